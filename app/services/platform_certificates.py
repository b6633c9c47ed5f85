"""Keeping WeChat Pay's certificates: fetched by a job, stored for every process."""

from datetime import datetime

from sqlalchemy import case, literal, select, update

from app import wechat
from app.db import Instant, retried, transaction
from app.models import PlatformCertificate
from app.wechat.certificates import Certificate
from app.wechat.faults import WechatRefused

# WeChat Pay's word for a merchant that was given its public key and never had a certificate.
_HAS_NONE = (404, "RESOURCE_NOT_EXISTS")


def refresh(*, at: datetime) -> dict[str, int]:
    """The table holds what WeChat Pay publishes now; answers how many are new, kept and ended.

    Raises `WechatUnavailable`, `WechatRefused`; the table is then as it was.
    """
    try:
        published = wechat.apiv3().certificates()
    except WechatRefused as refused:
        if (refused.facts["status"], refused.facts["code"]) != _HAS_NONE:
            raise
        return {"none-published": 1}
    return _kept(list(published.values()), at) if published else {"none-published": 1}


@retried
def _kept(published: list[Certificate], at: datetime) -> dict[str, int]:
    serials = [each.serial for each in published]
    with transaction() as session:
        held = set(session.scalars(select(PlatformCertificate.serial)))
        for each in published:
            session.merge(
                PlatformCertificate(
                    serial=each.serial,
                    certificate_pem=each.pem,
                    effective_at=each.effective_at,
                    expires_at=each.expires_at,
                    fetched_at=at,
                )
            )
        # What WeChat Pay has taken back before its time signs nothing any more, and what it took
        # back before it began never will.
        begins = PlatformCertificate.effective_at
        ends_at = case((begins > at, begins), else_=literal(at, Instant()))
        ended = session.scalars(
            update(PlatformCertificate)
            .where(PlatformCertificate.serial.not_in(serials))
            .where(PlatformCertificate.expires_at > at, PlatformCertificate.expires_at > begins)
            .values(expires_at=ends_at)
            .returning(PlatformCertificate.serial)
        ).all()
    new = len(set(serials) - held)
    return {"new": new, "kept": len(serials) - new, "ended": len(ended)}
