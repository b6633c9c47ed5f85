"""The certificates WeChat Pay signs with, for every process of the service."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Model


class PlatformCertificate(Model):
    """A certificate WeChat Pay published; from `expires_at` on it verifies nothing."""

    __tablename__ = "platform_certificate"
    __table_args__ = (CheckConstraint("effective_at <= expires_at", name="not_backwards"),)

    serial: Mapped[str] = mapped_column(primary_key=True)
    certificate_pem: Mapped[str] = mapped_column(Text)
    effective_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    fetched_at: Mapped[datetime]
