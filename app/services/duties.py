"""Who may do what, for the doors: the ordinance's own table (`rules/duties.toml`)."""

from app.rules.duties import ACTIONS, ROUTES

__all__ = ["ACTIONS", "routes"]


def routes() -> set[str]:
    """Every staff route there must be, as `METHOD /path/<argument>`."""
    return set(ROUTES)
