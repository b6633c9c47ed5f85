"""The chart of accounts: the state's codes, which a centre may not renumber, and our sub-accounts.

Source: 财会字[1999]33号, with 119 and 219 added by 财会字[2000]12号. Flexible and unit money
stand apart under 201 (Seed §9, 分类核算). Only accounts an entry uses are here; a new entry
brings its own.
"""

from dataclasses import dataclass

DEBIT, CREDIT = "debit", "credit"

DEPOSITS_AT_BANKS = "101"
BANK = "10101"
WECHAT_OPERATING = "10108"
WECHAT_IN_TRANSIT = "10109"
PERSONAL_MONEY = "201"
UNIT_MONEY = "20101"
FLEXIBLE_MONEY = "20102"
OTHER_PAYABLES = "219"
SUSPENSE = "21901"
EXPENSES = "411"
COLLECTION_FEES = "41102"


@dataclass(frozen=True)
class ChartAccount:
    """One line of the chart; `is_personal` means its postings name a sub-account."""

    code: str
    name: str
    side: str
    parent_code: str | None = None
    is_personal: bool = False


CHART = (
    ChartAccount(DEPOSITS_AT_BANKS, "住房公积金存款", DEBIT),
    ChartAccount(BANK, "住房公积金存款-归集专户", DEBIT, DEPOSITS_AT_BANKS),
    ChartAccount(WECHAT_OPERATING, "住房公积金存款-微信支付运营账户", DEBIT, DEPOSITS_AT_BANKS),
    ChartAccount(WECHAT_IN_TRANSIT, "住房公积金存款-微信支付在途", DEBIT, DEPOSITS_AT_BANKS),
    ChartAccount(PERSONAL_MONEY, "住房公积金", CREDIT),
    ChartAccount(UNIT_MONEY, "住房公积金-单位缴存职工", CREDIT, PERSONAL_MONEY, True),
    ChartAccount(FLEXIBLE_MONEY, "住房公积金-灵活就业人员", CREDIT, PERSONAL_MONEY, True),
    ChartAccount(OTHER_PAYABLES, "其他应付款", CREDIT),
    ChartAccount(SUSPENSE, "其他应付款-待查收款", CREDIT, OTHER_PAYABLES),
    ChartAccount(EXPENSES, "业务支出", DEBIT),
    ChartAccount(COLLECTION_FEES, "业务支出-归集手续费", DEBIT, EXPENSES),
)
PERSONAL_CODES = tuple(account.code for account in CHART if account.is_personal)
CONTROL_CODE = {"flexible": FLEXIBLE_MONEY, "unit": UNIT_MONEY}
