"""What every list of the staff's has: a cursor, a limit, and its answer in pages."""

from typing import Any

from marshmallow import Schema, fields

from app.api.fields import Body, QueryNumber, Text
from app.services.pages import Asked


class ListQuery(Body):
    """`cursor` is the `next_cursor` of the page before, with the same filters."""

    cursor = Text(longest=100, load_default=None)
    limit = QueryNumber(1, 100, load_default=20)


def asked(query: dict[str, Any]) -> Asked:
    """Which page is asked for; cursor and limit are taken out of the query."""
    return Asked(query.pop("cursor"), query.pop("limit"))


def page_of(item: type[Schema]) -> type[Schema]:
    """The schema of a page of these items."""
    name = item.__name__.removesuffix("Schema")
    return Schema.from_dict(
        {
            "items": fields.List(fields.Nested(item)),
            "next_cursor": fields.String(allow_none=True),
        },
        name=f"{name}PageSchema",
    )
