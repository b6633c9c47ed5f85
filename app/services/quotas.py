"""The live loan-quota view and its what-if (Seed §6): computed from the stored daily balances."""

from dataclasses import dataclass
from datetime import date, datetime

from app import clock
from app.db import reading
from app.errors import Refused, Unacceptable
from app.ledger import balances
from app.money import Fen
from app.rules.balance_history import BalanceHistory
from app.rules.policy import Home, Policy
from app.rules.quota import DayProduct, QuotaExplanation, average_window, loan_quota
from app.rules.quota_projection import (
    LumpSum,
    Monthly,
    ProjectedQuota,
    WhatIfPlan,
    projected_quota_series,
    projection_horizon,
    projection_note,
    refusals_to_plan,
)
from app.services import deposit_limits, deposits, policies
from app.services.accounts import open_flexible
from app.services.members import Member

__all__ = ["LiveQuota", "LumpSum", "Monthly", "WhatIf", "WhatIfPlan", "live_quota", "what_if"]


class DayNotYetThere(Unacceptable):
    """A quota is asked for a day that has not come; the what-if answers that."""

    sentence = "只能查询今天或以前的可贷额度；以后的请用“试算”。"


@dataclass(frozen=True)
class LiveQuota:
    """The explanation, and what it was computed from: the version and the account's sequence."""

    explanation: QuotaExplanation
    policy_sha256: str
    balance_fen: Fen
    account_seq: int


@dataclass(frozen=True)
class WhatIf:
    """A dated series under a plan, beside what it assumes."""

    series: tuple[ProjectedQuota, ...]
    note: str
    policy_code: str
    policy_note: str


def live_quota(*, member: Member, home: Home, on: date | None, at: datetime) -> LiveQuota:
    """The member's quota on a day (today when None), with every step of the formula.

    Somebody without an account gets zero and what is missing. Raises `StepMissing` before the
    real-name check, `DayNotYetThere`.
    """
    today = clock.day_of(at)
    day = today if on is None else on
    if day > today:
        raise DayNotYetThere(fields={"on": [DayNotYetThere.sentence]})
    with reading():
        return quota_of(member.proved(), home=home, day=day)


def quota_of(person_id: int, *, home: Home, day: date) -> LiveQuota:
    """The person's quota on a day that has come, explained, in the caller's transaction."""
    in_force = policies.policy_on(day)
    flexible = open_flexible(person_id)
    window = average_window(day, in_force.policy)
    if flexible is None:
        average, first_credit_on, balance_fen, seq = DayProduct(0, window.days), None, 0, 0
    else:
        average = balances.day_product(flexible.id, window)
        first_credit_on = balances.first_movement_on(flexible.id)
        balance_fen, seq = balances.closing_on(flexible.id, day), flexible.last_seq
    explanation = loan_quota(
        average=average,
        first_credit_on=first_credit_on,
        on=day,
        home=home,
        policy=in_force.policy,
    )
    return LiveQuota(explanation, in_force.sha256, balance_fen, seq)


def what_if(*, member: Member, plan: WhatIfPlan, home: Home, at: datetime) -> WhatIf:
    """How the quota would grow under the plan, month by month; nothing is stored or promised.

    Raises `Refused` with every reason why the plan could not be carried out.
    """
    today = clock.day_of(at)
    person_id = member.proved()
    with reading():
        policy = policies.policy_on(today).policy
        reserved_fen = deposits.reserved_in_month_fen(person_id, today)
        own_max = (
            deposit_limits.month_max_fen(person_id, plan.on) if isinstance(plan, LumpSum) else None
        )
        reasons = refusals_to_plan(
            plan,
            reserved_in_month_fen=reserved_fen,
            policy=policy,
            on=today,
            month_max_fen=own_max,
        )
        if reasons:
            raise Refused(reasons)
        series = projected_quota_series(
            balances=_history(person_id, today, policy),
            plan=plan,
            home=home,
            policy=policy,
            on=today,
            until_on=projection_horizon(today),
        )
        return WhatIf(series, projection_note(), policy.code, policy.note)


def _history(person_id: int, today: date, policy: Policy) -> BalanceHistory:
    flexible = open_flexible(person_id)
    if flexible is None:
        return BalanceHistory(balance_fen=0, changes=(), first_credit_on=None)
    window = average_window(today, policy)
    changes = balances.movements(flexible.id, window)
    return BalanceHistory(
        # As of today: WeChat's clock may be ahead of ours, and a payment of tomorrow be here.
        balance_fen=changes[-1][1],
        changes=changes,
        first_credit_on=balances.first_movement_on(flexible.id),
    )
