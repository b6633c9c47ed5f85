"""Says on a terminal what is going on, on one line; says nothing where nobody looks."""

import sys


def tell(what: str) -> None:
    """This is going on now."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{what}")
        sys.stderr.flush()


def done() -> None:
    """Nothing is going on any more: the line is free."""
    tell("")
