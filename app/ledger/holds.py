"""What is promised to be paid out and not yet paid: nothing else may spend it (L7)."""

from sqlalchemy import func, select

from app.db import db
from app.models import Payout, PayoutLeg
from app.money import Fen


def held_fen(sub_account_id: int) -> Fen:
    """What open payouts still have to take from the sub-account, in the caller's transaction.

    An open payout holds its amount less what its legs have paid already.
    """
    session = db.session()
    promised = session.scalar(
        select(func.coalesce(func.sum(Payout.amount_fen), 0)).where(
            Payout.sub_account_id == sub_account_id, Payout.state == "open"
        )
    )
    paid = session.scalar(
        select(func.coalesce(func.sum(PayoutLeg.amount_fen), 0))
        .join(Payout, Payout.id == PayoutLeg.payout_id)
        .where(
            Payout.sub_account_id == sub_account_id,
            Payout.state == "open",
            PayoutLeg.state == "succeeded",
        )
    )
    return int(promised or 0) - int(paid or 0)
