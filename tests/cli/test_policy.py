"""`flask policy`: what a colleague reads before a policy is proposed or approved."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from app.services.policy_reading import check_file
from tests.house import House
from tests.rules.building import POLICY_FILE, POLICY_TEXT, with_value

NEWER = POLICY_TEXT.replace("huzhou-pilot-2024.1", "huzhou-pilot-2027.1").replace(
    "effective_on = 2024-01-01", "effective_on = 2027-01-01"
)
REPLACES = (
    "自2027-01-01起，《湖州市灵活就业人员住房公积金试点规则（示意）》（huzhou-pilot-2027.1）取代"
    "《湖州市灵活就业人员住房公积金试点规则（示意）》（huzhou-pilot-2024.1）。"
)

Write = Callable[[str], str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a policy file and answers its path."""

    def written(text: str) -> str:
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.toml"
        path.write_text(text, "utf-8")
        return str(path)

    return written


def asked(house: House, *arguments: str) -> Result:
    """What `flask policy` answers."""
    return house.app.test_cli_runner().invoke(args=["policy", *arguments])


def line_of(text: str, start: str) -> int:
    """The number of the line that starts so."""
    return 1 + next(n for n, line in enumerate(text.split("\n")) if line.startswith(start))


# --- check ---


def test_a_valid_file_is_summed_up_in_one_line(house: House) -> None:
    checked = check_file(POLICY_TEXT)

    answer = asked(house, "check", str(POLICY_FILE))

    assert answer.exit_code == 0
    assert answer.output == (
        "ok: huzhou-pilot-2024.1 《湖州市灵活就业人员住房公积金试点规则（示意）》 from 2024-01-01, "
        f"{len(checked.placeholders)} placeholders, sha256 {checked.sha256}\n"
    )
    assert POLICY_TEXT.count('"placeholder"') == len(checked.placeholders)


def test_every_problem_stands_on_its_own_line_with_the_line_of_its_field(
    house: House, write: Write
) -> None:
    text = (
        with_value(POLICY_TEXT, "cap_fen", '"700000"')
        .replace("[deposit.min_per_order_fen]", "[deposit.lowest_fen]")
        .replace('unit = "day"', 'unit = "month"', 1)
        .replace('title = "', "title = 7 # ")
    )
    file = write(text)

    answer = asked(house, "check", file)

    assert answer.exit_code == 1
    assert answer.output.splitlines() == [
        f"{file}:{line_of(text, 'title')}: title: must be text",
        f"{file}:{line_of(text, '[deposit.lowest_fen]')}: deposit.lowest_fen: unknown key",
        f"{file}: deposit.min_per_order_fen: missing",
        f'{file}:{line_of(text, "[quota.window_days]")}: quota.window_days.unit: must be "day"',
        f"{file}:{line_of(text, '[quota.cap_fen]')}: quota.cap_fen: must be a whole number",
    ]


def test_a_name_that_only_begins_alike_or_stands_elsewhere_is_not_the_line(
    house: House, write: Write
) -> None:
    text = (
        with_value(POLICY_TEXT, "cap_fen", "true")
        .replace("[quota.cap_fen]", "[quota.cap]\nvalue = 1\n\n[quota.cap_fen]")
        .replace("title = ", "# title = ")
        .replace("value = 365", 'title = "x"\nvalue = 365')
    )
    file = write(text)

    answer = asked(house, "check", file)

    assert answer.output.splitlines() == [
        f"{file}: title: must be text",
        f"{file}:{line_of(text, '[quota.cap]')}: quota.cap: unknown key",
        f"{file}:{line_of(text, '[quota.window_days]')}: quota.window_days.title: unknown key",
        f"{file}:{line_of(text, '[quota.cap_fen]')}: quota.cap_fen: must be a whole number",
    ]


def test_figures_that_contradict_each_other_are_named_with_their_line(
    house: House, write: Write
) -> None:
    text = with_value(POLICY_TEXT, "max_per_calendar_month_fen", "44819")
    file = write(text)

    answer = asked(house, "check", file)

    line = line_of(text, "[deposit.max_per_calendar_month_fen]")
    assert answer.exit_code == 1
    assert answer.output == (
        f"{file}:{line}: deposit.max_per_calendar_month_fen: below min_per_order_fen\n"
    )


def test_what_is_no_toml_and_what_is_no_text_is_refused_in_one_line(
    house: House, write: Write, tmp_path: Path
) -> None:
    (tmp_path / "gbk.toml").write_bytes('title = "规则"'.encode("gbk"))

    no_toml = asked(house, "check", write("code = \n"))
    no_text = asked(house, "check", str(tmp_path / "gbk.toml"))

    assert (no_toml.exit_code, no_text.exit_code) == (1, 1)
    assert "the document cannot be read" in no_toml.output
    assert "line 1" in no_toml.output
    assert no_text.output.endswith("gbk.toml is not written in UTF-8\n")
    assert len(no_toml.output.splitlines()) == len(no_text.output.splitlines()) == 1


# --- diff ---


def test_a_file_is_compared_with_the_stored_policy_of_the_day_before(
    house: House, write: Write
) -> None:
    answer = asked(house, "diff", write(with_value(NEWER, "cap_fen", "90000000")))

    assert answer.exit_code == 0
    assert answer.output.splitlines() == [
        REPLACES,
        "第6.2条 最高可贷额度：由 700,000.00元 调整为 900,000.00元（提高 200,000.00元）。",
    ]


def test_a_new_version_with_the_old_figures_says_so(house: House, write: Write) -> None:
    answer = asked(house, "diff", write(NEWER))

    assert answer.exit_code == 0
    assert answer.output.splitlines() == [REPLACES, "no figure changes"]


def test_a_file_is_compared_with_another_file(house: House, write: Write) -> None:
    before, after = write(POLICY_TEXT), write(with_value(POLICY_TEXT, "window_days", "180"))

    other = asked(house, "diff", after, "--against", before)
    same = asked(house, "diff", before, "--against", before)

    assert (other.exit_code, other.output) == (
        0,
        "第6.3条 日均余额计算天数：由 365天 调整为 180天（缩短 185天）。\n",
    )
    assert (same.exit_code, same.output) == (0, "no change\n")


@pytest.mark.parametrize(
    ("begins", "day_before"), [("2024-01-01", "2023-12-31"), ("0001-01-01", "0001-01-01")]
)
def test_before_the_first_stored_policy_there_is_nothing_to_compare_with(
    house: House, write: Write, begins: str, day_before: str
) -> None:
    file = write(POLICY_TEXT.replace("effective_on = 2024-01-01", f"effective_on = {begins}"))

    answer = asked(house, "diff", file)

    assert answer.exit_code == 1
    assert answer.output == (
        f"Error: no stored policy is in force on {day_before}, before this one begins; "
        "compare it with a file: --against FILE\n"
    )


def test_a_diff_names_the_file_that_is_no_policy(house: House, write: Write) -> None:
    fit, unfit = write(POLICY_TEXT), write(with_value(POLICY_TEXT, "window_days", "0"))

    answers = [
        asked(house, "diff", unfit),
        asked(house, "diff", unfit, "--against", fit),
        asked(house, "diff", fit, "--against", unfit),
    ]

    assert {answer.exit_code for answer in answers} == {1}
    line = line_of(POLICY_TEXT, "[quota.window_days]")
    assert {answer.output for answer in answers} == {
        f"{unfit}:{line}: quota.window_days: must lie between 1 and 3660\n"
    }


# --- unknowns ---


def test_what_nobody_has_decided_is_listed_for_the_policy_in_force(house: House) -> None:
    answer = asked(house, "unknowns")

    *table, count = answer.output.splitlines()
    placeholders = check_file(POLICY_TEXT).placeholders
    assert answer.exit_code == 0
    assert count == f"{len(placeholders)} placeholders"
    assert table[0].split() == ["path", "name", "clause", "value", "source"]
    assert [row.split()[0] for row in table[1:]] == list(placeholders)
    window = next(row for row in table if row.startswith("quota.window_days"))
    assert window.split() == [
        "quota.window_days",
        "日均余额计算天数",
        "6.3",
        "365天",
        "湖州未公布日均余额的计算期间；取近365天",
    ]


def test_the_columns_of_the_table_stand_under_each_other_on_a_terminal(house: House) -> None:
    def columns_before(row: str, cell: str) -> int:
        return sum(1 if each.isascii() else 2 for each in row[: row.index(cell)])

    table = asked(house, "unknowns").output.splitlines()

    header = columns_before(table[0], "clause")
    days = next(row for row in table if row.startswith("quota.window_days"))
    cap = next(row for row in table if row.startswith("quota.cap_fen"))
    assert columns_before(days, "6.3") == columns_before(cap, "6.2") == header


def test_the_unknowns_of_a_file_need_no_stored_policy(house: House, write: Write) -> None:
    house.at("2023-06-01")
    decided = POLICY_TEXT.replace('"placeholder"', '"official"')
    one_open = decided.replace('"official"', '"placeholder"', 1)

    none_left = asked(house, "unknowns", write(decided))
    one_left = asked(house, "unknowns", write(one_open))
    stored = asked(house, "unknowns")

    assert (none_left.exit_code, none_left.output) == (0, "0 placeholders\n")
    assert one_left.output.splitlines()[1].split()[:2] == [
        "eligibility.age_min_years",
        "最低参加年龄",
    ]
    assert one_left.output.endswith("\n1 placeholder\n")
    assert (stored.exit_code, stored.output) == (
        1,
        "Error: no stored policy is in force on 2023-06-01\n",
    )


def test_the_help_says_what_each_command_takes_and_answers(house: House) -> None:
    group = asked(house, "--help").output
    helps = {each: asked(house, each, "--help").output for each in ("check", "diff", "unknowns")}

    assert all(name in group for name in helps)
    assert all("Exit 0" in text and "FILE" in text for text in helps.values())
    assert "--against" in helps["diff"]
