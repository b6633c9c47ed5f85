"""Who may do what, for the doors: the ordinance's own table (`rules/duties.toml`)."""

from app.rules.duties import ACTIONS, CENTRE, ROLES, ROUTES

__all__ = ["ACTIONS", "CENTRE", "ROLES", "routes"]


def routes() -> set[str]:
    """Every staff route there must be, as `METHOD /path/<argument>`."""
    return set(ROUTES)
