"""Tables and constraints; no decisions."""

from app.models.account import FLEXIBLE, UNIT, FundAccount, IdentitySegment, SubAccount
from app.models.agreement import Agreement, AgreementTemplate
from app.models.deployment import Deployment, JobRun
from app.models.ledger import (
    BookDay,
    BookDayTotal,
    DailyBalanceSnapshot,
    HouseAccount,
    Journal,
    Posting,
)
from app.models.payment import IdempotencyKey, Notice, PaymentCase, PaymentOrder, WechatPayment
from app.models.person import (
    Consent,
    Enrolment,
    IdentityCheck,
    MemberSession,
    Person,
    UsedLoginCode,
    WechatAccount,
)
from app.models.policy import PolicyVersion

from app.models import append_only  # isort: skip  # noqa: F401 - triggers follow the tables

__all__ = [
    "FLEXIBLE",
    "UNIT",
    "Agreement",
    "AgreementTemplate",
    "BookDay",
    "BookDayTotal",
    "Consent",
    "DailyBalanceSnapshot",
    "Deployment",
    "Enrolment",
    "FundAccount",
    "HouseAccount",
    "IdempotencyKey",
    "IdentityCheck",
    "IdentitySegment",
    "JobRun",
    "Journal",
    "MemberSession",
    "Notice",
    "PaymentCase",
    "PaymentOrder",
    "Person",
    "PolicyVersion",
    "Posting",
    "SubAccount",
    "UsedLoginCode",
    "WechatAccount",
    "WechatPayment",
]
