"""Which jobs there are, how often each is due, and the loop that runs them."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from app import clock, log
from app.services import (
    approval_expiry,
    book_days,
    erasures,
    job_runs,
    notification_sending,
    payment_follow_up,
    payout_follow_up,
    platform_certificates,
    reconciliation,
)


@dataclass(frozen=True)
class Job:
    """A job's name, its work (answers counts), and how long after a run it is due again.

    One that counted a whole `batch` has left some for its next run, and is due at once.
    """

    name: str
    work: Callable[[datetime], dict[str, int]]
    every: timedelta
    batch: int | None = None

    def has_more(self, counts: dict[str, int]) -> bool:
        """Whether a run that counted this has left some for the next."""
        return self.batch is not None and sum(counts.values()) >= self.batch


JOBS = (
    Job(
        "refresh-certificates",
        lambda at: platform_certificates.refresh(at=at),
        timedelta(hours=12),
    ),
    Job(
        "follow-up-payments",
        lambda at: payment_follow_up.follow_up_payments(at=at),
        timedelta(seconds=10),
        payment_follow_up.BATCH,
    ),
    Job(
        "follow-up-payouts",
        lambda at: payout_follow_up.follow_up_payouts(at=at),
        timedelta(seconds=10),
    ),
    Job(
        "send-notifications",
        lambda at: notification_sending.send_due(at=at),
        timedelta(seconds=10),
    ),
    Job(
        "expire-approvals", lambda at: approval_expiry.expire_overdue(at=at), timedelta(minutes=10)
    ),
    Job("reconcile", lambda at: reconciliation.reconcile(at=at), timedelta(minutes=10)),
    Job("day-close", lambda at: book_days.seal_overdue_days(at=at), timedelta(minutes=10)),
    Job("erase-personal-data", lambda at: erasures.erase_due(at=at), timedelta(days=1)),
)


# A job that failed does not wait for its next turn longer than this.
_AGAIN_AFTER_FAILURE = timedelta(minutes=10)


def run(job: Job, *, at: datetime) -> dict[str, int]:
    """The job ran once and its run is on record; a failure is recorded and raised again."""
    run_id = job_runs.begin(job=job.name, at=at)
    try:
        counts = job.work(at)
    except Exception:
        job_runs.end(run_id=run_id, outcome="failed", counts={}, at=clock.now())
        raise
    job_runs.end(run_id=run_id, outcome="done", counts=counts, at=clock.now())
    return counts


def loop(*, stop: threading.Event) -> None:
    """Jobs run when they are due, until `stop`; one that fails does not stop the others.

    All are due at the start. One that failed is tried again after ten minutes at the latest; one
    that has left some is run again when the others that are due have had their turn.
    """
    due = dict.fromkeys(JOBS, time.monotonic())
    while not stop.is_set():
        for job in JOBS:
            if time.monotonic() >= due[job]:
                begun = time.monotonic()
                pause = _run_logged(job)
                due[job] = begun + pause.total_seconds()
        stop.wait(max(0.0, min(due.values()) - time.monotonic()))


def _run_logged(job: Job) -> timedelta:
    """The job ran, and the log says how; answers how long after its beginning it is due again."""
    try:
        counts = run(job, at=clock.now())
    except Exception as error:  # noqa: BLE001 - whatever it is, the other jobs go on
        log.get().error("job-failed", job=job.name, exc_info=error)
        return min(job.every, _AGAIN_AFTER_FAILURE)
    log.get().info("job-done", job=job.name, **counts)
    return timedelta(0) if job.has_more(counts) else job.every
