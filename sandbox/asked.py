"""What a tester may send to /sandbox, and the answer when it is not that."""

from typing import Any

from flask import request


class Refused(Exception):
    """The tester asked for something the sandbox or a phone would not do; nothing changed."""

    def __init__(self, status: int, error: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.error = error
        self.message = message


def asked_body(*, required: dict[str, type], optional: dict[str, type]) -> dict[str, Any]:
    """The JSON body, with every required field and no unknown one, is returned.

    Raises Refused with the name of the field that is wrong. A missing body is an empty object.
    """
    body = request.get_json(force=True, silent=True) if request.get_data() else {}
    if not isinstance(body, dict):
        raise Refused(400, "not-json", "send a JSON object")
    known = required | optional
    for name in required:
        if name not in body:
            raise Refused(400, "field-missing", f"send {name!r} ({required[name].__name__})")
    for name, value in body.items():
        if name not in known:
            raise Refused(400, "field-unknown", f"no field {name!r}; there are {sorted(known)}")
        if type(value) is not known[name]:
            raise Refused(400, "field-wrong", f"{name!r} must be a {known[name].__name__}")
        if value == "":
            raise Refused(400, "field-empty", f"{name!r} must not be empty")
    return body
