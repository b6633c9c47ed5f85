"""Tables and constraints; no decisions."""

from app.models.account import FLEXIBLE, UNIT, FundAccount, IdentitySegment, SubAccount
from app.models.agreement import Agreement, AgreementTemplate
from app.models.approval import Approval, DepositLimitOverride, ManualJournal, WorkItem
from app.models.audit import AuditAnswer, AuditEntry
from app.models.bill import WechatBillCase, WechatBillDay, WechatBillLine
from app.models.deployment import Deployment, JobRun
from app.models.ledger import (
    BookDay,
    BookDayTotal,
    DailyBalanceSnapshot,
    HouseAccount,
    Journal,
    Posting,
)
from app.models.notification import (
    Erasure,
    MessageDelivery,
    MessagePermission,
    Notification,
    PushedMessage,
)
from app.models.payment import IdempotencyKey, Notice, PaymentCase, PaymentOrder, WechatPayment
from app.models.payout import BankBatch, BankBatchResult, Payout, PayoutLeg
from app.models.person import (
    Consent,
    Enrolment,
    IdentityCheck,
    MemberSession,
    Person,
    UsedLoginCode,
    WechatAccount,
)
from app.models.platform_certificate import PlatformCertificate
from app.models.policy import PolicyVersion
from app.models.staff import (
    StaffAccount,
    StaffActivation,
    StaffAssignment,
    StaffPerson,
    StaffSession,
    UsageWindow,
)

from app.models import append_only  # isort: skip  # noqa: F401 - triggers follow the tables

__all__ = [
    "FLEXIBLE",
    "UNIT",
    "Agreement",
    "AgreementTemplate",
    "Approval",
    "AuditAnswer",
    "AuditEntry",
    "BankBatch",
    "BankBatchResult",
    "BookDay",
    "BookDayTotal",
    "Consent",
    "DailyBalanceSnapshot",
    "Deployment",
    "DepositLimitOverride",
    "Enrolment",
    "Erasure",
    "FundAccount",
    "HouseAccount",
    "IdempotencyKey",
    "IdentityCheck",
    "IdentitySegment",
    "JobRun",
    "Journal",
    "ManualJournal",
    "MemberSession",
    "MessageDelivery",
    "MessagePermission",
    "Notice",
    "Notification",
    "PaymentCase",
    "PaymentOrder",
    "Payout",
    "PayoutLeg",
    "Person",
    "PlatformCertificate",
    "PolicyVersion",
    "Posting",
    "PushedMessage",
    "StaffAccount",
    "StaffActivation",
    "StaffAssignment",
    "StaffPerson",
    "StaffSession",
    "SubAccount",
    "UsageWindow",
    "UsedLoginCode",
    "WechatAccount",
    "WechatBillCase",
    "WechatBillDay",
    "WechatBillLine",
    "WechatPayment",
    "WorkItem",
]
