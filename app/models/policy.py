"""Policy versions: the rule book as data with a date."""

from datetime import date, datetime

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Model


class PolicyVersion(Model):
    """One whole rule document, canonical JSON, in force from `effective_on` until the next."""

    __tablename__ = "policy_version"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    title: Mapped[str]
    effective_on: Mapped[date] = mapped_column(unique=True)
    document: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(unique=True)
    has_placeholders: Mapped[bool]
    installed_at: Mapped[datetime]
    installed_by: Mapped[str]
