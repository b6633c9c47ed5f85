"""The HTTP door: guards, schemas, views of a few lines, and one error format."""

from flask import Flask

from app.api import auth, documentation, headers, health, notices, problems
from app.api.member import (
    account,
    agreements,
    consents,
    deposits,
    enrolment,
    identity,
    me,
    notifications,
    quota,
    sessions,
)
from app.api.member import payouts as own_payouts
from app.api.public import agreements as public_agreements
from app.api.public import notifications as public_notifications
from app.api.public import policy
from app.api.staff import (
    accounts,
    approvals,
    audit,
    bill_days,
    books,
    payouts,
    people,
    policies,
    proposals,
    work_items,
)
from app.api.staff import sessions as staff_sessions


def install(app: Flask) -> None:
    """Every route stands under its guard; a route without one stops the start."""
    app.url_map.merge_slashes = False  # `//v1/me` is no route, and no redirect to a forged Host
    problems.install(app)
    headers.install(app)
    auth.install(app)
    api = documentation.install(app)
    for module in (
        sessions,
        me,
        consents,
        identity,
        enrolment,
        agreements,
        deposits,
        account,
        own_payouts,
        quota,
        notifications,
        public_agreements,
        public_notifications,
        policy,
        notices,
        health,
        staff_sessions,
        accounts,
        proposals,
        approvals,
        work_items,
        people,
        books,
        payouts,
        bill_days,
        policies,
        audit,
    ):
        api.register_blueprint(module.blueprint)
    auth.refuse_unguarded_routes(app)
