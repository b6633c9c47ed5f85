"""F1, F8, F15: every flow that touches WeChat, killed at every point, loses and doubles nothing.

`SWEEP=full` walks every point; otherwise each database takes one of each flow's.
"""

import pytest

from tests.house import House
from tests.sweep import flows_payments, flows_payouts, flows_people
from tests.sweep.walking import Flow, Record, walk

FLOWS = (*flows_payments.FLOWS, *flows_payouts.FLOWS, *flows_people.FLOWS)


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.__name__)
def test_a_flow_that_dies_anywhere_loses_and_doubles_nothing(
    house: House, flow: Flow, record_property: Record
) -> None:
    walk(house, flow, record_property)
