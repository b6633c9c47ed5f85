"""The obligations of the pilot plan, by number: what a refusal, a step or a figure may cite."""

_OBLIGATIONS_PER_CLAUSE = {
    "0": 5,
    "1": 6,
    "2": 3,
    "3": 5,
    "4": 4,
    "5": 2,
    "6": 5,
    "7": 3,
    "8": 4,
    "9": 3,
    "10": 3,
    "11": 3,
    "12": 3,
    "13": 2,
    "O": 5,
}

CLAUSES: frozenset[str] = frozenset(
    f"{clause}.{number}"
    for clause, count in _OBLIGATIONS_PER_CLAUSE.items()
    for number in range(1, count + 1)
)
"""0.x are the principles, 1.x to 13.x the clauses of part three, O.x the organisation."""
