"""D7: the stored rules are the ones that were installed."""

import hashlib
from collections.abc import Iterator

from sqlalchemy import select

from app.db import db
from app.models import PolicyVersion


def d7_policies_unchanged() -> Iterator[str]:
    """D7: every policy version is the document whose hash it carries."""
    rows = db.session().execute(
        select(PolicyVersion.code, PolicyVersion.document, PolicyVersion.sha256)
    )
    for code, document, sha256 in rows:
        if hashlib.sha256(document.encode()).hexdigest() != sha256:
            yield f"policy {code} is not the document that was installed"


CHECKS = (("D7", "stored policies are those that were installed", d7_policies_unchanged),)
