"""Flows killed at every point. What they assert is explained as in the tests themselves."""

import pytest

pytest.register_assert_rewrite(
    *(f"tests.sweep.{name}" for name in ("both_books", "flows_payments", "flows_payouts")),
    *(f"tests.sweep.{name}" for name in ("flows_people", "paying", "walking")),
)
