"""Which jobs there are, how often each is due, and the loop that runs them."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from app import clock, log
from app.services import approval_expiry, book_days, job_runs, payment_follow_up


@dataclass(frozen=True)
class Job:
    """A job's name, its work (answers counts), and how long after a run it is due again."""

    name: str
    work: Callable[[datetime], dict[str, int]]
    every: timedelta


JOBS = (
    Job(
        "follow-up-payments",
        lambda at: payment_follow_up.follow_up_payments(at=at),
        timedelta(seconds=10),
    ),
    Job(
        "expire-approvals", lambda at: approval_expiry.expire_overdue(at=at), timedelta(minutes=10)
    ),
    Job("day-close", lambda at: book_days.seal_overdue_days(at=at), timedelta(minutes=10)),
)


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
    """Jobs run when they are due, until `stop`; one that fails does not stop the others."""
    due = dict.fromkeys(JOBS, time.monotonic())
    while not stop.is_set():
        for job in JOBS:
            if time.monotonic() >= due[job]:
                due[job] = time.monotonic() + job.every.total_seconds()
                _run_logged(job)
        stop.wait(max(0.0, min(due.values()) - time.monotonic()))


def _run_logged(job: Job) -> None:
    try:
        counts = run(job, at=clock.now())
    except Exception as error:  # noqa: BLE001 - whatever it is, the other jobs go on
        log.get().error("job-failed", job=job.name, exc_info=error)
    else:
        log.get().info("job-done", job=job.name, **counts)
