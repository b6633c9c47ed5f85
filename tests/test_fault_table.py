"""The faults the service must live through, each with the tests that show it.

A row names tests by node id without parameters; one that is renamed or taken away fails here.
"""

from __future__ import annotations

import ast

import pytest

from tests.code_reading import ROOT, tree

BILLS = "tests/scenarios/test_reconciliation.py"

SWEEP = "tests/sweep/test_flows.py::test_a_flow_that_dies_anywhere_loses_and_doubles_nothing"
CRASHES = "tests/sweep/test_crash_points.py"
PAYMENTS, PAYOUT_FAULTS = "tests/services/test_payments.py", "tests/services/test_payout_faults.py"
KILLED, LATE = "tests/test_killed_worker.py", "tests/services/test_late_notices.py"
RACES, KEYS = "tests/services/test_races.py", "tests/services/test_platform_certificates.py"
FORGED, PUSHES = "tests/api/test_forged_notices.py", "tests/api/test_forged_pushes.py"
LATE_PAYMENTS = "tests/scenarios/test_late_payments.py"
PAYOUTS, MESSAGES = "tests/scenarios/test_payouts.py", "tests/scenarios/test_notifications.py"
WAITING, HUNG = "tests/wechat/test_waiting.py", "tests/services/test_cut_and_slow.py"

TABLE: dict[str, tuple[str, ...]] = {
    # A worker is killed in the middle of a callback.
    "F1": (
        f"{KILLED}::test_a_worker_killed_in_its_transaction_leaves_nothing_and_the_next_one_credits",
        f"{KILLED}::test_a_worker_killed_while_it_waits_to_write_leaves_nothing_either",
        f"{CRASHES}::test_a_notice_whose_worker_dies_is_credited_once_when_it_comes_again",
        SWEEP,
    ),
    # The database goes away in the middle of a commit.
    "F2": (
        "tests/services/test_lost_database.py::test_a_commit_whose_answer_is_lost_is_credited_once",
    ),
    # The same callback a hundred times in parallel.
    "F3": (
        f"{RACES}::test_a_hundred_copies_of_a_notice_at_once_credit_once_and_all_are_thanked",
        f"{RACES}::test_twelve_different_notices_of_one_payment_at_once_credit_once",
    ),
    # Notices in another order than their events.
    "F4": (
        f"{PAYOUT_FAULTS}::test_whatever_order_its_notices_come_in_a_leg_only_moves_forward",
        f"{RACES}::test_a_notice_that_overtakes_the_prepay_answer_is_credited",
        f"{LATE_PAYMENTS}::test_when_the_second_payment_is_heard_of_first_the_account_begins_with_the_first",
    ),
    # A notice an hour, or twenty-three, late.
    "F5": (f"{LATE}::test_a_notice_delayed_by_hours_counts_from_its_success_times_day",),
    # A notice of the day before, which is sealed.
    "F6": (
        f"{LATE}::test_a_notice_of_a_sealed_day_is_booked_today_and_the_seal_holds",
        "tests/ledger/test_close.py::test_a_payment_of_a_sealed_day_is_booked_on_the_next_open_one",
    ),
    # A forged notice.
    "F7": (
        f"{FORGED}::test_a_forged_notice_is_refused_in_wechats_own_shape_and_leaves_no_trace",
        f"{FORGED}::test_a_true_body_under_other_headers_is_refused",
        f"{PUSHES}::test_every_forged_push_is_refused_and_leaves_no_trace",
    ),
    # A callback that never comes.
    "F8": (
        f"{PAYMENTS}::test_a_paid_order_is_found_within_ten_minutes_whenever_it_is_paid",
        f"{LATE_PAYMENTS}::test_a_payment_nobody_told_of_is_found_by_asking_and_its_late_notice_changes_nothing",
    ),
    # A notice that differs from its order, field by field.
    "F9": (
        f"{PAYMENTS}::test_a_notice_that_differs_is_not_believed_and_wechats_own_answer_is",
        f"{PAYOUT_FAULTS}::test_a_notice_about_other_money_changes_nothing_and_the_leg_is_asked_after",
    ),
    # A payout of which nobody knows whether it was made.
    "F15": (
        f"{PAYOUT_FAULTS}::test_an_unknown_call_is_asked_after_and_never_made_under_another_number",
        f"{PAYOUT_FAULTS}::test_a_call_that_nobody_answers_is_an_unknown_one",
        SWEEP,
    ),
    # A payout that WeChat took and that fails later.
    "F16": (
        f"{PAYOUTS}::test_a_refund_that_wechat_closes_takes_another_way",
        f"{PAYOUTS}::test_where_no_way_is_left_the_money_is_the_depositors_again",
        f"{PAYOUT_FAULTS}::test_a_transfer_that_fails_definitely_may_be_sent_again_under_a_new_number",
    ),
    # A bill of WeChat's that differs from the books.
    "F17": (
        f"{BILLS}::test_each_seeded_difference_is_one_case_and_ends_when_the_bill_is_mended",
        f"{BILLS}::test_a_bill_that_does_not_hold_together_is_one_case_until_a_good_one_comes",
    ),
    # WeChat is slow, or hangs.
    "F21": (
        f"{HUNG}::test_while_wechat_hangs_every_other_route_answers_at_once",
        f"{WAITING}::test_a_wechat_that_says_nothing_is_given_up_after_five_seconds",
        "tests/test_outside_calls.py::test_no_transaction_is_open_while_wechat_is_asked",
    ),
    # An item of the outbox that nobody can send.
    "F22": (
        f"{MESSAGES}::test_a_poisoned_item_is_parked_and_the_others_flow",
        f"{PAYMENTS}::test_one_order_that_is_damaged_does_not_stop_the_others",
    ),
    # A client that hangs up after it has asked.
    "F28": (
        f"{HUNG}::test_a_phone_that_hangs_up_gets_the_same_answer_under_its_key",
        f"{HUNG}::test_a_phone_that_hangs_up_after_settling_finds_its_money",
    ),
    # Two keys of WeChat Pay at once.
    "F34": (
        f"{KEYS}::test_while_the_key_is_switched_both_kinds_of_signature_are_taken",
        f"{KEYS}::test_two_certificates_overlap_and_the_old_one_is_refused_after_it",
    ),
}
ASKED_FOR = {f"F{number}" for number in (*range(1, 10), 15, 16, 17, 21, 22, 28, 34)}


def is_there(node_id: str) -> bool:
    """Whether a test of this name stands at the top of its file."""
    path, _, name = node_id.partition("::")
    if not (ROOT / path).is_file():
        return False
    return any(isinstance(each, ast.FunctionDef) and each.name == name for each in tree(path).body)


def test_every_fault_that_was_asked_for_has_its_row() -> None:
    assert set(TABLE) == ASKED_FOR
    assert [fault for fault, tests in TABLE.items() if not tests] == []


@pytest.mark.parametrize("fault", TABLE)
def test_a_fault_is_shown_by_tests_that_exist(fault: str) -> None:
    gone = {each for each in TABLE[fault] if not is_there(each)}

    assert gone == set()


def test_a_name_of_no_test_is_noticed() -> None:
    assert not is_there("tests/test_fault_table.py::test_nobody_wrote")
    assert not is_there("tests/test_nowhere.py::test_a_name_of_no_test_is_noticed")
    assert not is_there("tests/test_fault_table.py::is_here")
