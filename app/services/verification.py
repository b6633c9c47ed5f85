"""Checking the books against the invariants, for the command line and for tests."""

from app.ledger.verify import Finding, verify

__all__ = ["Finding", "verify"]
