"""What an owner could do to payments, people and rules; and what constraints keep him from."""

from app import ids
from tests.ledger.corruption import corruption as _c

SECOND_ACCOUNT = (
    "INSERT INTO fund_account (id, account_no, person_id, status, opened_on, opened_at)"
    " VALUES (9001, '99', :anna, '01', '2026-03-04', '2026-03-04 02:00:00')"
)
OTHER_NUMBER = "UPDATE fund_account SET account_no = '#' WHERE id = 1"
SECOND_PAYMENT = (
    "INSERT INTO wechat_payment (id, transaction_id, out_trade_no, order_id, appid, mchid,"
    " currency, amount_fen, payer_index, success_at, found_by, recorded_at, outcome, journal_id)"
    " SELECT 9001, '9001', out_trade_no, order_id, appid, mchid, currency, amount_fen,"
    " payer_index, success_at, 'query', recorded_at, outcome, NULL FROM wechat_payment"
    " WHERE order_id = :order"
)

# fmt: off
PAYMENTS = (
    _c("a payment's amount edited", "P1", "UPDATE wechat_payment SET amount_fen = amount_fen + 1"
       " WHERE journal_id = :deposit"),
    _c("an order's amount edited", "P1", "UPDATE payment_order SET amount_fen = amount_fen + 1"
       " WHERE id = :order"),
    _c("a payment for another merchant", "P1", "UPDATE wechat_payment SET mchid = '1'"
       " WHERE journal_id = :deposit"),
    _c("a payment for another app", "P1", "UPDATE wechat_payment SET appid = 'wx1'"
       " WHERE journal_id = :deposit"),
    _c("a payment by somebody else", "P1", "UPDATE wechat_payment SET"
       " payer_index = :strange_bytes WHERE journal_id = :deposit"),
    _c("an order's payer and its payment's both edited", "P1",
       "UPDATE wechat_payment SET payer_index = :strange_bytes WHERE journal_id = :deposit",
       "UPDATE payment_order SET payer_index = :strange_bytes WHERE id = :order"),
    _c("a payment in another currency", "P1", "UPDATE wechat_payment SET currency = 'USD'"
       " WHERE journal_id = :deposit"),
    _c("a payment of another order number", "P1", "UPDATE wechat_payment SET out_trade_no = 'LC1'"
       " WHERE journal_id = :deposit"),
    _c("another transaction", "P4", "UPDATE wechat_payment SET transaction_id = '1'"
       " WHERE journal_id = :deposit"),
    _c("a notice that credited the order of another transaction", "P1", "INSERT INTO notice (id,"
       " notice_id, event_type, out_trade_no, transaction_id, body_sha256, received_at, outcome)"
       " SELECT 9001, '9001', event_type, out_trade_no, (SELECT transaction_id FROM wechat_payment"
       " WHERE journal_id = :open_day), body_sha256, received_at, outcome FROM notice"
       " WHERE outcome = 'credited'"),
    _c("an order credited by two payments", "P1", SECOND_PAYMENT,
       without="wechat_payment.uq_wechat_payment_credited_order"),
    _c("an order of another person", "P1 P8", "UPDATE payment_order SET person_id = :bert"
       " WHERE id = :order"),
    _c("an order on the agreement of another person", "P1", "UPDATE payment_order SET agreement_id"
       " = (SELECT id FROM agreement WHERE person_id = :bert) WHERE id = :unpaid"),
    _c("an order moved to another month", "P1", "UPDATE payment_order SET"
       " ordered_on = '2026-02-27' WHERE id = :unpaid"),
    _c("an order's moment moved past midnight", "P1", "UPDATE payment_order SET"
       " created_at = '2026-03-02 16:00:00' WHERE id = :unpaid"),
    _c("an order whose payer no key opens", "P1", "UPDATE payment_order SET"
       " payer_openid = :strange_bytes WHERE id = :unpaid"),
    _c("two people who swapped their sub-accounts", "P1",
       "UPDATE sub_account SET account_id = 3 - account_id WHERE kind = 'flexible'",
       without="sub_account.uq_sub_account_account_id_kind"),
    _c("a credit booked as something else", "P1", "UPDATE journal SET kind = 'gift-received'"
       " WHERE id = :deposit"),
    _c("a credit called suspended", "P4 P1", "UPDATE wechat_payment SET outcome = 'suspended'"
       " WHERE journal_id = :deposit"),
    _c("suspense called a credit", "P1", "UPDATE wechat_payment SET outcome = 'credited',"
       " order_id = :unpaid WHERE journal_id = :suspended"),
    _c("a payment removed", "L2 P3", "DELETE FROM wechat_payment WHERE journal_id = :deposit"),
    _c("a credited order called unpaid", "P1", "UPDATE payment_order SET state = 'prepaid'"
       " WHERE id = :order"),
    _c("a credited order called closed", "P1 P3", "UPDATE payment_order SET state = 'closed'"
       " WHERE id = :order"),
    _c("an unpaid order called credited", "P3", "UPDATE payment_order SET state = 'credited'"
       " WHERE id = :unpaid"),
    _c("an order closed without a time", "P3", "UPDATE payment_order SET state = 'closed'"
       " WHERE id = :unpaid"),
    _c("a new order that can be paid already", "P3", "UPDATE payment_order SET state = 'created'"
       " WHERE id = :unpaid"),
    _c("a prepaid order that nobody can pay", "P3", "UPDATE payment_order SET prepay_id = NULL"
       " WHERE id = :unpaid", without="payment_order.ck_payment_order_prepaid_has_id"),
    _c("an order closed before it was made", "P3", "UPDATE payment_order SET"
       " closed_at = '2020-01-01 00:00:00' WHERE state = 'closed'"),
    _c("the order's trigger dropped", "P3", "DROP TRIGGER payment_order_moves_forward",
       only_on="sqlite"),
    _c("the order's trigger disabled", "P3", "ALTER TABLE payment_order DISABLE TRIGGER"
       " payment_order_moves_forward", only_on="postgresql"),
    _c("a notice that claims too much", "P4", "UPDATE notice SET outcome = 'credited',"
       " transaction_id = '1' WHERE outcome = 'unconfirmed'"),
    _c("a notice removed from the inbox", "P4", "DELETE FROM notice WHERE outcome = 'credited'"),
    _c("the case of a suspended payment removed", "P4",
       "DELETE FROM payment_case WHERE kind = 'suspended'",
       without="work_item.fk_work_item_payment_case_id"),
    _c("the case of a suspended payment closed while the money stands there", "P4",
       "UPDATE payment_case SET resolved_at = '2026-03-04 02:00:00', resolution = 'done'"
       " WHERE kind = 'suspended'"),
    _c("the case of a suspended payment torn off", "P4",
       "UPDATE payment_case SET payment_id = NULL WHERE kind = 'suspended'"),
    _c("the case of an unconfirmed notice removed", "P4",
       "DELETE FROM payment_case WHERE kind = 'unconfirmed'",
       without="work_item.fk_work_item_payment_case_id"),
    _c("a key moved to another person", "P8", "UPDATE idempotency_key SET person_id = :bert"
       " WHERE order_id = :order"),
    _c("a key moved to another order", "P8", "UPDATE idempotency_key SET order_id = :other_order"
       " WHERE order_id = :order"),
    _c("a key removed", "P8", "DELETE FROM idempotency_key WHERE order_id = :order"),
    _c("a key twice", "P8", "INSERT INTO idempotency_key (id, person_id, route, key, body_sha256,"
       " order_id, created_at) SELECT 9001, person_id, route, key, body_sha256, :unpaid,"
       " created_at FROM idempotency_key WHERE order_id = :order",
       without="idempotency_key.uq_idempotency_key_person_route_key"),
)

PEOPLE = (
    _c("a second account", "W1", SECOND_ACCOUNT,
       without="fund_account.uq_fund_account_open_person"),
    _c("a blind index edited", "W1", "UPDATE person SET id_number_index = :strange_bytes"
       " WHERE id = :anna"),
    _c("one ID number twice", "W1", "UPDATE person SET id_number ="
       " (SELECT id_number FROM person WHERE id = :bert) WHERE id = :anna"),
    _c("an account of somebody erased", "W1", "UPDATE person SET"
       " erased_at = '2026-03-04 02:00:00' WHERE id = :anna"),
    _c("a phone index edited", "W1", "UPDATE person SET phone_index = :strange_bytes"
       " WHERE id = :anna"),
    _c("an openid index edited", "W1", "UPDATE wechat_account SET openid_index = :strange_bytes"
       " WHERE person_id = :anna"),
    _c("a sub-account removed", "W1", "DELETE FROM sub_account WHERE id = :empty_sub"),
    _c("an account without a segment", "W1", "DELETE FROM identity_segment WHERE account_id = 1"),
    _c("an account number edited", "W1", "UPDATE fund_account SET account_no = '12' WHERE id = 1"),
    _c("an account number of another account", "W1", OTHER_NUMBER.replace("#",
       ids.account_number("330500", 77))),
    _c("an account number of another centre", "W1", OTHER_NUMBER.replace("#",
       ids.account_number("330100", 1))),
    _c("an account without a number", "W1", "UPDATE fund_account SET account_no = NULL"
       " WHERE id = 1"),
    _c("a phone that no key opens, and an edited rule", "W1 D7",
       "UPDATE person SET phone = :strange_bytes WHERE id = :anna",
       "UPDATE policy_version SET document = replace(document, '16', '14')"),
    _c("an ID number that no key opens", "W1 W3", "UPDATE person SET id_number = :strange_bytes"
       " WHERE id = :anna"),
    _c("an openid that no key opens", "W1", "UPDATE wechat_account SET openid = :strange_bytes"
       " WHERE person_id = :anna"),
    _c("an account opened before its first deposit", "W2", "UPDATE fund_account SET"
       " opened_on = '2026-03-01' WHERE id = 1"),
    _c("an account opened after its first deposit", "W2",
       "UPDATE fund_account SET opened_on = '2026-03-04' WHERE id = 1",
       "UPDATE identity_segment SET from_on = '2026-03-04' WHERE account_id = 1"),
    _c("a segment that begins before its account", "W2", "UPDATE identity_segment SET"
       " from_on = '2026-03-01' WHERE account_id = 1"),
    _c("an account of nobody", "W2", "UPDATE fund_account SET person_id = 9999 WHERE id = 1",
       without="fund_account.fk_fund_account_person_id"),
    _c("an account without an agreement", "W2", "DELETE FROM agreement WHERE person_id = :bert",
       without="payment_order.fk_payment_order_agreement_id"),
    _c("an agreement signed after opening", "W2", "UPDATE agreement SET"
       " signed_at = '2026-03-05 00:00:00' WHERE person_id = :bert"),
    _c("an agreement of another person", "W2", "UPDATE agreement SET person_id = :anna"
       " WHERE person_id = :bert"),
    _c("an agreement's text swapped", "W2", "UPDATE agreement SET text ="
       " (SELECT text FROM agreement WHERE person_id = :bert) WHERE person_id = :anna"),
    _c("an agreement that ended before the first order", "W2", "UPDATE agreement SET"
       " ended_at = '2026-03-01 00:00:00' WHERE person_id = :bert"),
    _c("an agreement's PDF swapped", "W2", "UPDATE agreement SET pdf ="
       " (SELECT pdf FROM agreement WHERE person_id = :bert) WHERE person_id = :anna"),
    _c("a PDF's hash edited", "W2", "UPDATE agreement SET pdf_sha256 = 'f'"
       " WHERE person_id = :anna"),
    _c("a PDF that no key opens", "W2", "UPDATE agreement SET pdf = :strange_bytes"
       " WHERE person_id = :anna"),
    _c("a template's text edited", "W2", "UPDATE agreement_template SET body = body || '.'"),
    _c("a template that need not be signed any more", "W2", "UPDATE agreement_template SET"
       " mandatory = NOT mandatory"),
    _c("a template in force from another day", "W2", "UPDATE agreement_template SET"
       " effective_on = '2020-02-29'"),
    _c("a template's hash edited", "W2", "UPDATE agreement_template SET sha256 = 'f'"),
    _c("a check passed with another word of WeChat's", "W2", "UPDATE identity_check SET"
       " verify_ret = 10300 WHERE person_id = :bert"),
    _c("a check passed without WeChat's word", "W2", "UPDATE identity_check SET verify_ret = NULL"
       " WHERE person_id = :anna"),
    _c("an identity check that was not passed", "W2", "UPDATE identity_check SET state = 'failed'"
       " WHERE person_id = :bert"),
    _c("an identity check of somebody else", "W2", "UPDATE identity_check SET person_id = :anna"
       " WHERE person_id = :bert"),
    _c("an agreement on a refused application", "W2", "UPDATE enrolment SET state = 'refused'"
       " WHERE person_id = :bert"),
    _c("an account without a first deposit", "W2", "DELETE FROM posting"
       " WHERE sub_account_id = :sub_of_anna"),
    _c("joined as a child", "W3", "UPDATE enrolment SET decided_on = '2005-12-31'"
       " WHERE person_id = :bert"),
    _c("joined as a minor without the declaration", "W3", "UPDATE enrolment SET"
       " decided_on = '2007-06-01', own_labour_income = false WHERE person_id = :bert"),
    _c("joined in retirement", "W3", "UPDATE enrolment SET decided_on = '2060-01-01'"
       " WHERE person_id = :bert"),
    _c("joined under a policy that nobody can read", "W3", "UPDATE policy_version SET"
       " document = '{}',"
       " sha256 = '44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a'"
       " WHERE code <> 'newer-policy'"),
    _c("a rule of a policy edited", "D7", "UPDATE policy_version SET document ="
       " replace(document, '16', '14')"),
    _c("a policy's hash edited", "D7", "UPDATE policy_version SET sha256 = 'f'"
       " WHERE code <> 'newer-policy'"),
)

REFUSED = (
    _c("a journal reversed twice", "", "INSERT INTO journal (id, kind, value_on, booked_on,"
       " posted_at, actor, reason, source_kind, source_id, reverses_id) SELECT 9001, 'again',"
       " value_on, booked_on, posted_at, actor, reason, source_kind, source_id, reverses_id"
       " FROM journal WHERE id = :reversal"),
    _c("a transaction twice", "", SECOND_PAYMENT.replace("'9001'", "transaction_id")),
    _c("an order number twice", "", "UPDATE payment_order SET out_trade_no ="
       " (SELECT out_trade_no FROM payment_order WHERE id = :order) WHERE id = :unpaid"),
    _c("a notice twice", "", "INSERT INTO notice (id, notice_id, event_type, out_trade_no,"
       " transaction_id, body_sha256, received_at, outcome) SELECT 9001, notice_id, event_type,"
       " out_trade_no, transaction_id, body_sha256, received_at, outcome FROM notice"),
    _c("two people with one blind index", "", "UPDATE person SET id_number_index ="
       " (SELECT id_number_index FROM person WHERE id = :bert) WHERE id = :anna"),
    _c("a payment with two journals", "", "UPDATE wechat_payment SET journal_id = :deposit"
       " WHERE journal_id = :suspended"),
    _c("a second open account", "", SECOND_ACCOUNT),
    _c("an order credited twice", "", SECOND_PAYMENT),
    _c("a sequence twice", "", "UPDATE posting SET account_seq = 1 WHERE journal_id = :open_day"),
    _c("a balance below zero", "", "UPDATE sub_account SET balance_fen = -1"),
    _c("a snapshot below zero", "", "UPDATE daily_balance_snapshot SET closing_fen = -1"),
    _c("an unknown order state", "", "UPDATE payment_order SET state = 'lost' WHERE id = :unpaid"),
    _c("a case with half a resolution", "", "UPDATE payment_case SET resolution = 'done'"),
    _c("an account closed by halves", "", "UPDATE fund_account SET status = '05'"),
    _c("a second deployment", "", "UPDATE deployment SET id = 2"),
    _c("the same day sealed twice", "", "INSERT INTO book_day VALUES ('2026-03-02', NULL)"),
)
