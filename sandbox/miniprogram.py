"""api.weixin.qq.com: login, tokens, phone numbers and face checks. HTTP is 200 even for errors."""

import json
import re
import secrets
from typing import Any, NoReturn

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from sandbox import people, tokens
from sandbox.world import this_world

miniprogram = Blueprint("miniprogram", __name__)

_SEQUENCE_FORM = r"[0-9A-Za-z_-]{5,32}"
# Residence permits (8...) and permanent residence cards (9...) have 18 places as well, but the
# face service serves mainland identity cards only.
_ID_CARD_FORM = r"[1-7]\d{16}[\dX]"


class ErrCode(Exception):
    """WeChat's way to say no."""

    def __init__(self, errcode: int, errmsg: str) -> None:
        super().__init__(errmsg)
        self.errcode = errcode
        self.errmsg = errmsg


@miniprogram.app_errorhandler(ErrCode)
def refusal(problem: ErrCode) -> ResponseReturnValue:
    """An errcode is the answer, under HTTP 200."""
    rid = "-".join(secrets.token_hex(4) for _ in range(3))
    return {"errcode": problem.errcode, "errmsg": f"{problem.errmsg}, rid: {rid}"}


@miniprogram.get("/sns/jscode2session")
def jscode2session() -> ResponseReturnValue:
    """The login code is used up and its openid answered, with no errcode."""
    world = this_world()
    _require_app(request.args)
    _require_grant(request.args.get("grant_type"), "authorization_code")
    code = request.args.get("js_code")
    if not code:
        raise ErrCode(41008, "missing code")
    with world.books.open() as db:
        try:
            user = people.redeem_code(db, kind="login", code=code, at_s=world.clock.now_s())
        except people.CodeInvalid:
            raise ErrCode(40029, "invalid code") from None
        except people.CodeUsed:
            raise ErrCode(40163, "code been used") from None
    return {"openid": user.openid, "session_key": secrets.token_urlsafe(16)[:22] + "=="}


@miniprogram.post("/cgi-bin/stable_token")
def stable_token() -> ResponseReturnValue:
    """The token all callers share is answered, or a new one when `force_refresh` is true."""
    world = this_world()
    asked = json_body()
    _require_app(asked)
    _require_grant(asked.get("grant_type"), "client_credential")
    with world.books.open() as db:
        access_token, life_s = tokens.stable_token(
            db, force_refresh=asked.get("force_refresh") is True, at_s=world.clock.now_s()
        )
    return {"access_token": access_token, "expires_in": life_s}


@miniprogram.get("/cgi-bin/token")
def plain_token() -> ResponseReturnValue:
    """A new token of the old kind is answered; the one before it ends within five minutes."""
    world = this_world()
    _require_app(request.args)
    _require_grant(request.args.get("grant_type"), "client_credential")
    with world.books.open() as db:
        access_token, life_s = tokens.plain_token(db, at_s=world.clock.now_s())
    return {"access_token": access_token, "expires_in": life_s}


@miniprogram.post("/wxa/business/getuserphonenumber")
def phone_number() -> ResponseReturnValue:
    """The phone code is used up and the user's number answered. A login code is no phone code."""
    world = this_world()
    require_access_token()
    code = json_body().get("code")
    at_s = world.clock.now_s()
    with world.books.open() as db:
        try:
            user = people.redeem_code(db, kind="phone", code=code, at_s=at_s)
        except (people.CodeInvalid, people.CodeUsed):
            raise ErrCode(40029, "invalid code") from None
    phone_info = {
        "phoneNumber": user.phone,
        "purePhoneNumber": user.phone,
        "countryCode": "86",
        "watermark": {"timestamp": at_s, "appid": world.identity.appid},
    }
    return {"errcode": 0, "errmsg": "ok", "phone_info": phone_info}


@miniprogram.post("/cityservice/face/identify/getverifyid")
def open_face_check() -> ResponseReturnValue:
    """A face check of that name and number waits for the user's phone."""
    world = this_world()
    require_access_token()
    asked = json_body()
    out_seq_no, cert = asked.get("out_seq_no"), _id_card(asked.get("cert_info"))
    if not isinstance(out_seq_no, str) or not re.fullmatch(_SEQUENCE_FORM, out_seq_no):
        raise ErrCode(47003, "argument invalid! out_seq_no")
    with world.books.open() as db:
        user = people.user_by_openid(db, asked.get("openid"))
        if user is None:
            raise ErrCode(40003, "invalid openid")
        try:
            verify_id = people.open_face_session(
                db, out_seq_no=out_seq_no, openid=user.openid, cert=cert, at_s=world.clock.now_s()
            )
        except people.SequenceUsed:
            raise ErrCode(47003, "argument invalid! out_seq_no has been used") from None
    life_s = people.FACE_LIFE_S
    return {"errcode": 0, "errmsg": "ok", "verify_id": verify_id, "expires_in": life_s}


@miniprogram.post("/cityservice/face/identify/queryverifyinfo")
def query_face_check() -> ResponseReturnValue:
    """The result of the face check is answered, to the one who knows what it was about."""
    world = this_world()
    require_access_token()
    asked = json_body()
    with world.books.open() as db:
        session = people.face_session(db, asked.get("verify_id"))
    if session is None:
        raise ErrCode(84001, "invalid verify_id")
    digest = people.cert_hash(
        cert_type=session.cert_type, cert_name=session.cert_name, cert_no=session.cert_no
    )
    known = {"out_seq_no": session.out_seq_no, "openid": session.openid, "cert_hash": digest}
    for name, value in known.items():
        if asked.get(name) != value:
            raise ErrCode(47003, f"argument invalid! {name} does not match verify_id")
    result = people.FACE_NOT_FINISHED if session.verify_ret is None else session.verify_ret
    return {"errcode": 0, "errmsg": "ok", "verify_ret": result}


def _id_card(cert: object) -> dict[str, str]:
    if not isinstance(cert, dict) or set(cert) != {"cert_type", "cert_name", "cert_no"}:
        raise ErrCode(47003, "argument invalid! cert_info")
    if not all(isinstance(value, str) and value for value in cert.values()):
        raise ErrCode(47003, "argument invalid! cert_info")
    if cert["cert_type"] != "IDENTITY_CARD" or not re.fullmatch(_ID_CARD_FORM, cert["cert_no"]):
        raise ErrCode(47003, "argument invalid! only mainland identity cards")
    return cert


def _require_app(asked: Any) -> None:
    identity = this_world().identity
    if not asked.get("appid"):
        raise ErrCode(41002, "appid missing")
    if not asked.get("secret"):
        raise ErrCode(41004, "appsecret missing")
    if asked.get("appid") != identity.appid:
        raise ErrCode(40013, "invalid appid")
    if asked.get("secret") != identity.app_secret:
        raise ErrCode(40125, "invalid appsecret")


def _require_grant(given: object, wanted: str) -> None:
    if given != wanted:
        raise ErrCode(40002, "invalid grant_type")


def require_access_token() -> None:
    """The query holds a token that is good. Raises ErrCode otherwise."""
    world = this_world()
    given = request.args.get("access_token")
    if not given:
        raise ErrCode(41001, "access_token missing")
    with world.books.open() as db:
        until_s = tokens.token_until_s(db, given)
    if until_s is None:
        raise ErrCode(40001, "invalid credential, access_token is invalid or not latest")
    if until_s <= world.clock.now_s():
        raise ErrCode(42001, "access_token expired")


def json_body() -> dict[str, Any]:
    """The JSON object that was sent is returned. Raises ErrCode (47001) for anything else."""
    # WeChat reads JSON whatever Content-Type says, and nothing but JSON.
    try:
        asked = json.loads(request.get_data())
    except ValueError:
        _refuse_data()
    if not isinstance(asked, dict):
        _refuse_data()
    return asked


def _refuse_data() -> NoReturn:
    raise ErrCode(47001, "data format error")
