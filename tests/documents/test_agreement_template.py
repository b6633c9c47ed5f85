"""The first agreement's wording: what it must say, and what it must not depend on."""

import re
import string
import tomllib
from datetime import date
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "policies" / "agreements" / "huzhou-flexible-1.md"

PLACEHOLDERS = {
    *("name", "id_number_masked", "phone_masked", "district", "work_kind", "centre_name"),
    *("policy_code", "policy_title", "policy_note"),
    *("deposit_min_yuan", "deposit_month_max_yuan"),
}


def front_matter_and_body() -> tuple[dict[str, object], str]:
    _, front, body = SOURCE.read_text(encoding="utf-8").split("+++\n", 2)
    return tomllib.loads(front), body


def clauses() -> dict[str, str]:
    """Clause title to clause text."""
    _, *parts = re.split(
        r"^(第[一二三四五六七八九十]+条 .+)$", front_matter_and_body()[1], flags=re.M
    )
    return dict(zip(parts[::2], parts[1::2], strict=True))


def test_the_front_matter_names_the_agreement() -> None:
    front, _ = front_matter_and_body()

    assert front == {
        "code": "huzhou-flexible-1",
        "number": 1,
        "title": "湖州市灵活就业人员住房公积金缴存使用协议",
        "effective_on": date(2024, 1, 1),
        "mandatory": True,
    }


def test_the_text_depends_on_person_and_policy_and_on_no_time() -> None:
    _, body = front_matter_and_body()

    assert {field for _, field, _, _ in string.Formatter().parse(body) if field} == PLACEHOLDERS


def test_the_clauses_are_numbered_without_a_gap() -> None:
    tens = ["", "一", "二", "三", "四", "五", "六", "七", "八", "九"]
    numbers = [*tens[1:], *("十" + unit for unit in tens), "二十"]

    assert [title.split()[0] for title in clauses()] == [f"第{number}条" for number in numbers]


def test_the_measures_for_a_breach_are_stated() -> None:
    measures = clauses()["第十五条 违约处置措施"]

    assert re.search("虚假承诺.*销户处理", measures)
    assert re.search("贷款违约.*上浮贷款利率，提前收回贷款", measures)


def test_a_measure_needs_notice_answer_and_decision() -> None:
    procedure = clauses()["第十六条 违约处置程序"]

    assert procedure.index("通知") < procedure.index("陈述和申辩") < procedure.index("作出决定")


def test_principal_and_interest_stay_the_persons_own() -> None:
    assert "将本金和法定利息支付给乙方，只取消利息补贴" in clauses()["第十七条 账户资金的保护"]


def test_a_new_version_is_signed_before_the_next_deposit() -> None:
    assert "下一次缴存前阅读并签订新版本" in clauses()["第十八条 协议的变更"]
