"""The record of jobs: when each ran, how it ended, what it counted."""

from collections.abc import Mapping
from datetime import datetime

from app.db import retried, transaction
from app.models import JobRun


@retried
def begin(*, job: str, at: datetime) -> int:
    """The run is on record as begun; answers its id."""
    with transaction() as session:
        row = JobRun(job=job, started_at=at, counts={})
        session.add(row)
        session.flush()
        return row.id


@retried
def end(*, run_id: int, outcome: str, counts: Mapping[str, int], at: datetime) -> None:
    """The run is on record as ended."""
    with transaction() as session:
        row = session.get_one(JobRun, run_id)
        row.finished_at, row.outcome, row.counts = at, outcome, dict(counts)
