"""One act of a database owner against the books, and the invariants that must name it.

Words with a colon stand for rows of the state that `tests/ledger/ruined.py` builds. `without` names
constraints, indexes and foreign keys that the database would refuse the change by; triggers are
always out of the way while the owner works, and back afterwards.
"""

from dataclasses import dataclass

WORDS = {
    ":deposit": "(SELECT min(id) FROM journal WHERE kind = 'deposit-received')",
    ":second": "(SELECT min(id) FROM journal WHERE source_id = "
    "(SELECT min(id) + 1 FROM wechat_payment))",
    ":suspended": "(SELECT id FROM journal WHERE kind = 'payment-suspended')",
    ":reversal": "(SELECT id FROM journal WHERE reverses_id IS NOT NULL)",
    ":reversed": "(SELECT reverses_id FROM journal WHERE reverses_id IS NOT NULL)",
    ":open_day": "(SELECT max(id) FROM journal)",
    ":anna": "(SELECT min(id) FROM person)",
    ":bert": "(SELECT max(id) FROM person)",
    ":sub_of_anna": "(SELECT min(id) FROM sub_account WHERE kind = 'flexible')",
    ":sub_of_bert": "(SELECT max(id) FROM sub_account WHERE kind = 'flexible')",
    ":empty_sub": "(SELECT min(id) FROM sub_account WHERE kind = 'unit')",
    ":order": "(SELECT order_id FROM wechat_payment WHERE journal_id = "
    "(SELECT min(id) FROM journal WHERE kind = 'deposit-received'))",
    ":other_order": "(SELECT max(order_id) FROM wechat_payment WHERE outcome = 'credited')",
    ":unpaid": "(SELECT min(id) FROM payment_order WHERE state = 'prepaid')",
    ":limit": "(SELECT approval_id FROM deposit_limit_override)",
    ":waiting": "(SELECT id FROM approval WHERE state = 'submitted')",
    ":rejected": "(SELECT id FROM approval WHERE state = 'rejected')",
    ":manual": "(SELECT journal_id FROM manual_journal)",
    ":maker": "(SELECT maker_account_id FROM approval WHERE state = 'rejected')",
    ":checker": "(SELECT checker_account_id FROM approval WHERE state = 'rejected')",
    ":founder": "(SELECT id FROM staff_account WHERE login = 'founder.one')",
    ":strange_bytes": "(SELECT token_hash FROM member_session LIMIT 1)",
}
_LONGEST_FIRST = sorted(WORDS, key=len, reverse=True)


@dataclass(frozen=True)
class Corruption:
    """One act, the invariants that must name it, and what stood in its way."""

    what: str
    breaks: tuple[str, ...]
    statements: tuple[str, ...]
    without: tuple[str, ...] = ()
    only_on: str = ""

    def sql(self) -> list[str]:
        """The statements with their words filled in."""
        return [_filled(statement) for statement in self.statements]


def _filled(statement: str) -> str:
    for word in _LONGEST_FIRST:
        statement = statement.replace(word, WORDS[word])
    return statement


def corruption(
    what: str, breaks: str, *statements: str, without: str = "", only_on: str = ""
) -> Corruption:
    return Corruption(what, tuple(breaks.split()), statements, tuple(without.split()), only_on)
