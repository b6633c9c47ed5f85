"""Where a journal's source row lies, and which rows must have a journal (L2)."""

from typing import Any

from app.models import ManualJournal, PayoutLeg, WechatBillDay, WechatPayment

# The name a journal gives its source -> the table, whose `journal_id` points back.
SOURCES: dict[str, Any] = {
    "wechat_payment": WechatPayment,
    "manual_journal": ManualJournal,
    "payout_leg": PayoutLeg,
    "wechat_bill_day": WechatBillDay,
}
# Which source rows must have a journal; the others all do.
POSTED: dict[str, Any] = {
    "payout_leg": PayoutLeg.state == "succeeded",
    "wechat_bill_day": WechatBillDay.booked_approval_id.is_not(None),
}
