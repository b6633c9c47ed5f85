"""/sandbox: bills are made anew."""

from flask import Blueprint
from flask.typing import ResponseReturnValue

from sandbox.pay_bills import forget_bills
from sandbox.world import this_world

control_bills = Blueprint("control_bills", __name__, url_prefix="/sandbox")


@control_bills.delete("/bills")
def clear_bills() -> ResponseReturnValue:
    """Bills already made are forgotten; the next request makes them from the books as they are."""
    with this_world().books.open() as db:
        forget_bills(db)
    return "", 204
