"""What a centre tries before its first real deposit: each thing WeChat needs, one after another.

A step that cannot be judged because an earlier one is wrong says so, so that the wrong one stands
out. Nothing here writes to the books.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.exc import DBAPIError

from app import ids, soundness, wechat
from app.settings import Settings
from app.settings.wechat import CERTIFICATE
from app.wechat.faults import WechatRefused, WechatUnavailable

OK, WARNING, WRONG, NOT_CHECKED = "ok", "warning", "wrong", "not checked"

SETTINGS, CLOCK, TOKEN, MERCHANT, ANSWERS, APIV3_KEY, NOTIFY = (
    "settings",
    "clock",
    "access token",
    "merchant key",
    "WeChat Pay's answers",
    "APIv3 key",
    "notify address",
)
_CLOCK_WARNING_S, _CLOCK_WRONG_S = 30, 300
_NO_CERTIFICATES = (404, "RESOURCE_NOT_EXISTS")
_NETWORK = "let this machine reach {base} (port 443, no proxy) and try again"
_TOKEN_REFUSALS = {
    40013: "WECHAT_APPID is not known to WeChat",
    40125: "WECHAT_APP_SECRET is not the one of WECHAT_APPID: reset it in the mini-program's page",
    40164: "add this machine's address to the mini-program's IP list",
    41004: "WECHAT_APP_SECRET is missing",
}
_ONE_CERTIFICATE = (
    "WECHAT_PAY_MCHID, WECHAT_PAY_MERCHANT_SERIAL and WECHAT_PAY_MERCHANT_KEY_FILE must belong to"
    " one API certificate of this merchant, and the certificate must not be revoked"
)


@dataclass(frozen=True)
class Step:
    """One thing that was tried: its verdict, and what was found or what to do."""

    name: str
    verdict: str
    said: str


def run(*, chosen: Settings, at: datetime) -> Iterator[Step]:
    """The steps in order, each as soon as it is known; `at` is this machine's own time."""
    yield _settings(chosen, at)
    clock = _clock(chosen, at)
    yield clock
    yield _access_token(chosen)
    merchant = _merchant(chosen, is_clock_right=clock.verdict != WRONG)
    yield merchant
    yield from _answers(chosen, merchant)
    yield _notify(chosen)


def _settings(chosen: Settings, at: datetime) -> Step:
    pay = chosen.pay
    problems = soundness.swapped_keys(
        merchant_key_pem=pay.merchant_key_pem,
        merchant_serial=pay.merchant_serial,
        public_key_pem=pay.public_key_pem,
        certificate_pem=pay.platform_cert_pem,
    )
    try:
        wechat.apiv3().platform.asked_serial(at=at)
    except DBAPIError:
        problems.append("the database does not answer or is not migrated: `flask db upgrade`")
    if problems:
        return Step(SETTINGS, WRONG, "; ".join(problems))
    # What is missing or malformed has been refused before this program could start.
    return Step(SETTINGS, OK, f"complete for {chosen.environment}, in {pay.mode} mode")


def _clock(chosen: Settings, at: datetime) -> Step:
    try:
        theirs = wechat.apiv3().wechats_time()
    except WechatUnavailable:
        return Step(CLOCK, WRONG, "no answer: " + _NETWORK.format(base=chosen.pay.base))
    if theirs is None:
        return Step(CLOCK, WARNING, "WeChat Pay did not say what time it is: compare by hand")
    apart_s = abs(int((theirs - at).total_seconds()))
    said = f"{apart_s} s apart from WeChat Pay's"
    if apart_s > _CLOCK_WRONG_S:
        return Step(CLOCK, WRONG, f"{said}: every signature is refused; let NTP set the clock")
    if apart_s > _CLOCK_WARNING_S:
        return Step(CLOCK, WARNING, f"{said}: let NTP set the clock before it is 300")
    return Step(CLOCK, OK, said)


def _access_token(chosen: Settings) -> Step:
    try:
        wechat.mini_program().check_access()
    except WechatUnavailable as refused:
        code = refused.facts.get("errcode")
        if code is None:
            base = chosen.mini_program.api_base
            return Step(TOKEN, WRONG, "no answer: " + _NETWORK.format(base=base))
        what = _TOKEN_REFUSALS.get(code, "look the code up in the mini-program's documents")
        return Step(TOKEN, WRONG, f"WeChat answers {code}: {what}")
    return Step(TOKEN, OK, "WeChat gives this app a token")


def _merchant(chosen: Settings, *, is_clock_right: bool) -> Step:
    try:
        found = wechat.pay().query(ids.new_out_trade_no())
    except WechatUnavailable as unknown:
        return Step(MERCHANT, NOT_CHECKED, f"no trusted answer ({unknown.facts.get('why')})")
    except WechatRefused as refused:
        code = refused.facts["code"]
        if code == "SIGN_ERROR" and not is_clock_right:
            return Step(MERCHANT, NOT_CHECKED, "mend the clock first")
        if code == "PARAM_ERROR":
            return Step(MERCHANT, NOT_CHECKED, "refused before the signature was looked at")
        return Step(MERCHANT, WRONG, f"WeChat Pay answers {code}: {_ONE_CERTIFICATE}")
    said = "WeChat Pay takes our signature" + ("" if found is None else ", and knows our number")
    return Step(MERCHANT, OK, said)


def _answers(chosen: Settings, merchant: Step) -> Iterator[Step]:
    """Whether answers verify, and whether the APIv3 key opens what they hold."""
    try:
        published = wechat.apiv3().certificates()
    except WechatRefused as refused:
        status, code = refused.facts["status"], refused.facts["code"]
        if (status, code) == _NO_CERTIFICATES:
            yield from _answers_without_certificates(chosen)
            return
        if code == "PARAM_ERROR":
            yield Step(ANSWERS, WRONG, f"WeChat Pay answers {code}: {_wechats_key(chosen)}")
        else:
            yield Step(ANSWERS, NOT_CHECKED, f"WeChat Pay answers {code}: mend the steps above")
    except WechatUnavailable as unknown:
        why = str(unknown.facts.get("why"))
        if why == "certificates-sealed-otherwise":
            yield Step(ANSWERS, OK, f"verified in {chosen.pay.mode} mode")
            yield Step(
                APIV3_KEY,
                WRONG,
                "WECHAT_PAY_APIV3_KEY does not open WeChat Pay's certificates: set it anew"
                " (merchant platform, API security), here and there the same 32 characters",
            )
            return
        yield _unverified(chosen, why)
    else:
        yield Step(ANSWERS, OK, f"verified in {chosen.pay.mode} mode")
        yield _apiv3_key(len(published))
        return
    yield Step(APIV3_KEY, NOT_CHECKED, "only a verified answer shows it")


def _answers_without_certificates(chosen: Settings) -> Iterator[Step]:
    # Closing a number nobody ever ordered changes nothing, and its answer is signed.
    try:
        wechat.pay().close(ids.new_out_trade_no())
    except WechatRefused as refused:
        yield Step(ANSWERS, NOT_CHECKED, f"WeChat Pay answers {refused.facts['code']}")
    except WechatUnavailable as unknown:
        yield _unverified(chosen, str(unknown.facts.get("why")))
    else:
        yield Step(ANSWERS, OK, f"verified in {chosen.pay.mode} mode")
    yield _apiv3_key(0)


def _unverified(chosen: Settings, why: str) -> Step:
    if why == "no-answer" or why.startswith("status-"):
        return Step(ANSWERS, NOT_CHECKED, f"no answer to verify ({why})")
    return Step(ANSWERS, WRONG, f"not believed ({why}): {_wechats_key(chosen)}")


def _apiv3_key(opened: int) -> Step:
    if opened:
        return Step(APIV3_KEY, OK, f"opens {opened} of WeChat Pay's certificates")
    return Step(
        APIV3_KEY,
        WARNING,
        "WeChat Pay has no certificate for this merchant, so nothing tries the key before the"
        " first notice: place an order with --order",
    )


def _wechats_key(chosen: Settings) -> str:
    if chosen.pay.mode == CERTIFICATE:
        return (
            "WECHAT_PAY_PLATFORM_CERT_FILE must be a certificate of WeChat Pay for this merchant,"
            " in force today"
        )
    return (
        "WECHAT_PAY_PUBLIC_KEY_ID and WECHAT_PAY_PUBLIC_KEY_FILE must be the pair shown in the"
        " merchant platform (API security, WeChat Pay public key)"
    )


def _notify(chosen: Settings) -> Step:
    url = chosen.pay.notify_url
    weak = soundness.notify_weakness(url)
    if not chosen.is_production and soundness.is_local_notify_url(url):
        weak = []  # a sandbox delivers to this machine
    if weak or not url:
        return Step(NOTIFY, WRONG, f"WECHAT_PAY_NOTIFY_URL {'; '.join(weak) or 'is missing'}")
    return Step(NOTIFY, OK, "of the form WeChat Pay delivers to")
