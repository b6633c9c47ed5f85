"""Whatever a machine makes of the published document: no 5xx, and answers as they are published.

Schemathesis makes valid and invalid requests for every operation from its schemas, from a fixed
seed and a bounded number of them.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi import checks as openapi_checks

from sandbox.desk import Desk
from sandbox.phone import Phone
from tests.api.asking import PREPAY, routes, token_of
from tests.api.callers import Callers
from tests.house import House

EXAMPLES = 15


def wrong_is_refused(
    ctx: schemathesis.CheckContext, response: schemathesis.Response, case: Any
) -> bool | None:
    """What the document forbids is refused; a text too long for its field may fill the body."""
    if response.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return None
    return openapi_checks.negative_data_rejection(ctx, response, case)


CHECKS = [
    schemathesis.checks.not_a_server_error,
    openapi_checks.status_code_conformance,
    openapi_checks.content_type_conformance,
    openapi_checks.response_schema_conformance,
    openapi_checks.response_headers_conformance,
    wrong_is_refused,
    openapi_checks.missing_required_header,
    openapi_checks.unsupported_method,
    openapi_checks.ignored_auth,
]


@schemathesis.serializer("application/pdf")
def as_it_is(_: schemathesis.SerializationContext, value: Any) -> bytes:
    """A file is sent as the bytes that were made for it."""
    made = getattr(value, "data", value)
    return made if isinstance(made, bytes) else str(made).encode()


@pytest.mark.parametrize(
    ("standing_house", "mode"),
    [("postgres", GenerationMode.POSITIVE), ("sqlite", GenerationMode.NEGATIVE)],
    indirect=["standing_house"],
)
def test_no_request_made_from_the_document_breaks_its_word(
    house: House, mode: GenerationMode
) -> None:
    leaving = house.phone()
    leaving.log_in()
    callers = Callers(house, house.depositor())
    known = {each.endpoint: each for each in routes(house)}
    schema = schemathesis.openapi.from_wsgi("/openapi.json", house.app)
    asked = 0

    for result in schema.get_all_operations():
        operation = result.ok()
        route = known[operation.definition.raw["operationId"]]
        by = leaving if route.endpoint == "sessions.log_out" else callers.of(route)
        asked += run(operation, mode, by=by)

    assert asked >= 60
    assert house.calls().get(PREPAY, 0) <= EXAMPLES + 1


def run(
    operation: APIOperation[Any, Any, Any, Any], mode: GenerationMode, *, by: Phone | Desk | None
) -> int:
    """The operation was tried with cases of this mode; answers 0 where none can be made."""
    if mode is GenerationMode.NEGATIVE and not takes_anything(operation):
        return 1
    assert by is not None
    headers = {"Authorization": f"Bearer {token_of(by)}"}

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def try_out(case: Case) -> None:
        case.call_and_validate(headers=headers, checks=CHECKS)

    try_out()
    return 1


def takes_anything(operation: APIOperation[Any, Any, Any, Any]) -> bool:
    """Whether there is something in its requests that could be wrong; a file may be anything."""
    bodies = [each for each in operation.body if each.media_type == "application/json"]
    return bool(bodies or operation.query or operation.headers)
