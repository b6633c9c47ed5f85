"""A flow is walked: begun anew for every point, killed there, recovered, and both books compared.

A flow is a generator function. It prepares, yields what is to be killed once, and goes on as the
world does after the death: requests come again, jobs run; then it says what must stand.
"""

import os
import zlib
from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy.engine import make_url

from tests.house import House
from tests.sweep.both_books import assert_both_books_agree
from tests.sweep.crash_points import Points, outlived

Act = Callable[[], Any]
Flow = Callable[[House], Iterator[Act]]
Record = Callable[[str, Any], None]

IS_FULL = os.environ.get("SWEEP") == "full"
# Where not every point is asked for, each database takes one of the first so many of a flow.
AMONG = 24


def walk(house: House, flow: Flow, record: Record) -> None:
    """The flow was killed at every point, or at one that this database chose, and survived."""
    if not IS_FULL:
        lived_through(house, flow, chosen(house, flow))
        return
    found = lived_through(house, flow, 0)
    assert found is not None
    deaths = sum(lived_through(house, flow, 1 + each) is None for each in range(found.total))
    tell(record, house, name_of(flow), found, deaths)
    assert deaths >= found.total - 1, f"died {deaths} times at {found.total} points"


def lived_through(house: House, flow: Flow, point: int) -> Points | None:
    """One life of the flow in a house as new; its points, or None when it was killed."""
    house.reset()
    story = flow(house)
    points = outlived(house, point, next(story))
    try:
        assert list(story) == [], "a flow yields once"
        assert_both_books_agree(house)
        if IS_FULL:  # otherwise the house is verified after its last life, as after every test
            assert house.broken_invariants() == {}
    except BaseException as error:
        error.add_note(f"{name_of(flow)}, killed at point {point}")
        raise
    return points


def chosen(house: House, flow: Flow) -> int:
    """A point that is another one for each flow and database, and the same every time."""
    return 1 + zlib.crc32(f"{name_of(flow)} on {database_of(house)}".encode()) % AMONG


def tell(record: Record, house: House, name: str, points: Points, deaths: int) -> None:
    """A line of the table that `make sweep` prints."""
    record("sweep", [name, database_of(house), *vars(points).values(), points.total, deaths])


def database_of(house: House) -> str:
    """sqlite or postgresql."""
    return make_url(house.database.app_url).get_backend_name()


def name_of(flow: Flow) -> str:
    """The flow as people read it."""
    return flow.__name__.replace("_", " ")
