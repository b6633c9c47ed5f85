// wechatpay-axios-plugin reads what we made (stdin), calls the sandbox, and answers what it made.
'use strict';

const { readFileSync } = require('node:fs');
const { Wechatpay, Rsa, Aes, Formatter } = require('wechatpay-axios-plugin');

const given = JSON.parse(readFileSync(0, 'utf8'));

async function main() {
  const wxpay = new Wechatpay({
    mchid: given.mchid,
    serial: given.merchant_serial,
    privateKey: given.merchant_key_pem,
    certs: { [given.public_key_id]: given.public_key_pem },
    baseURL: given.base,
    proxy: false,
  });
  const headers = { 'Wechatpay-Serial': given.public_key_id };
  const params = { mchid: given.mchid };
  // A 2xx that the plugin does not verify rejects.
  const queried = await wxpay.v3.pay.transactions.outTradeNo
    .$out_trade_no$.get({ params, headers, out_trade_no: given.out_trade_no });
  const closed = await wxpay.v3.pay.transactions.outTradeNo
    .$out_trade_no$.close.post(params, { headers, out_trade_no: 'LCNOBODYS' });

  const { timestamp, nonce_str: nonce, signature } = given.authorization;
  const request = Formatter.request('POST', given.target, timestamp, nonce, given.body);
  const { resource } = JSON.parse(given.notice.body);
  const told = given.notice.headers;
  const response = Formatter.response(
    told['Wechatpay-Timestamp'], told['Wechatpay-Nonce'], given.notice.body,
  );
  const key = Rsa.from(given.public_key_pem, Rsa.KEY_TYPE_PUBLIC);
  const own = Rsa.from(given.merchant_public_pem, Rsa.KEY_TYPE_PUBLIC);
  return {
    queried: queried.data,
    closed: closed.status,
    takes_our_authorization: Rsa.verify(request, signature, own),
    takes_the_notice: Rsa.verify(response, told['Wechatpay-Signature'], key),
    opened: JSON.parse(Aes.AesGcm.decrypt(
      resource.ciphertext, given.apiv3_key, resource.nonce, resource.associated_data,
    )),
    sealed_field: Rsa.encrypt(given.name, key),
    opened_field: Rsa.decrypt(given.sealed_field, Rsa.from(given.platform_key_pem)),
    sealed_resource: Aes.AesGcm.encrypt(
      JSON.stringify({ name: given.name }), given.apiv3_key, '0123456789ab', 'transaction',
    ),
  };
}

main().then(
  (found) => process.stdout.write(JSON.stringify(found)),
  (error) => {
    process.stderr.write(`${error.stack}\n`);
    process.exit(1);
  },
);
