"""What this database is, and which jobs ran on it."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Model


class Deployment(Model):
    """One row: the environment that made this database; the other environment refuses it."""

    __tablename__ = "deployment"
    __table_args__ = (
        CheckConstraint("id = 1", name="one_row"),
        CheckConstraint("environment IN ('sandbox', 'production')", name="environment_known"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    environment: Mapped[str]
    made_at: Mapped[datetime]


class JobRun(Model):
    """One run of a job: when, how it ended, what it counted."""

    __tablename__ = "job_run"
    __table_args__ = (Index("ix_job_run_job_started_at", "job", "started_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    job: Mapped[str]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    counts: Mapped[dict[str, Any]] = mapped_column(JSON)
