"""/sandbox: which key WeChat Pay signs with, and a new certificate."""

from dataclasses import asdict

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from sandbox.asked import Refused, asked_body
from sandbox.clock import rfc3339
from sandbox.pay_certificates import DAY_S, rotate, write_rules
from sandbox.signing import PlatformCertificate, UnknownRule, rules_from
from sandbox.world import this_world

control_signing = Blueprint("control_signing", __name__, url_prefix="/sandbox")

DAYS_MAX = 3650


@control_signing.get("/signing")
def read_signing() -> ResponseReturnValue:
    """The rules in force and the certificates there are, the newest last, are answered."""
    world = this_world()
    signing, at_s = world.identity.signing, world.clock.now_s()
    now = signing.in_force(at_s).serial
    lines = [_line(each, signs=each.serial == now) for each in signing.published(at_s)]
    return asdict(signing.rules) | {
        "public_key_id": world.identity.public_key_id,
        "certificates": lines,
    }


@control_signing.put("/signing")
def set_signing() -> ResponseReturnValue:
    """Exactly the rules that were sent are in force; those not named are as at the start."""
    body = request.get_json(force=True, silent=True)
    if not isinstance(body, dict):
        raise Refused(400, "not-json", "send a JSON object")
    world = this_world()
    try:
        rules = rules_from(body)
    except UnknownRule as problem:
        raise Refused(400, "rule-unknown", str(problem)) from None
    with world.books.open() as db:
        write_rules(db, world.identity.signing, rules)
    return read_signing()


@control_signing.post("/certificates/rotate")
def rotate_certificate() -> ResponseReturnValue:
    """A new certificate is published; it signs in `effective_in_days`, the old end after it."""
    asked = asked_body(required={"overlap_days": int}, optional={"effective_in_days": int})
    for name, days in asked.items():
        if not 0 <= days <= DAYS_MAX:
            raise Refused(400, "field-wrong", f"{name!r} must be 0 to {DAYS_MAX}")
    world = this_world()
    at_s = world.clock.now_s()
    with world.books.open() as db:
        new = rotate(
            db,
            world.identity.signing,
            effective_s=at_s + asked.get("effective_in_days", 0) * DAY_S,
            overlap_s=asked["overlap_days"] * DAY_S,
        )
    signs = world.identity.signing.in_force(at_s).serial == new.serial
    return _line(new, signs=signs), 201


def _line(certificate: PlatformCertificate, *, signs: bool) -> dict[str, object]:
    return {
        "serial_no": certificate.serial,
        "effective_time": rfc3339(certificate.effective_s),
        "expire_time": rfc3339(certificate.expire_s),
        "signs": signs,
    }
