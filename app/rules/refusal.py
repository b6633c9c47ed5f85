"""Refusals, and the one catalogue of sentences the rules speak to the worker.

A rule that can refuse returns every reason as a `Refusal`; no reason means yes. Sentences of
explanations (quota steps, what is still missing) stand in the same catalogue, so that wording is
reviewed in one place. A template takes its facts by name, already printed (`yuan(...)`, ISO days).
"""

from dataclasses import dataclass

CATALOGUE: dict[str, tuple[str, str]] = {
    # Who applies: identity document and name
    "id-number-shape": (
        "1.5",
        "身份证号码应为18位：前17位是数字，最后一位是数字或字母X，请用半角字符重新填写。",
    ),
    "id-number-birth-impossible": ("1.5", "身份证号码中的出生日期不存在，请核对第7至14位。"),
    "id-number-birth-in-future": ("1.5", "身份证号码中的出生日期晚于今天，请核对第7至14位。"),
    "id-number-birth-too-early": ("1.5", "身份证号码中的出生年份早于1900年，请核对第7至10位。"),
    "id-number-check-character": ("1.5", "身份证号码的最后一位校验不符，请逐位核对。"),
    "residence-permit-at-counter": (
        "1.5",
        "您填写的是{document}号码，线上实名核验暂不支持这种证件，请携带证件到公积金中心柜台办理。",
    ),
    "name-missing": ("1.5", "请填写与证件一致的姓名。"),
    "name-too-long": ("1.5", "姓名最多{max_characters}个字符，请按证件填写。"),
    "name-has-other-characters": (
        "1.5",
        "姓名中只能有汉字、字母、空格和间隔号“·”，请去掉数字、符号和不可见字符。",
    ),
    # Who may join
    "under-age": ("1.1", "您未满{age_years}周岁，自{from_on}起可以申请参加。"),
    "retirement-age-reached": (
        "1.2",
        "您已于{until_on}达到法定退休年龄（{age}），不能再以灵活就业人员身份参加。",
    ),
    "draws-pension": ("1.2", "您已按月领取基本养老金，视为已退休，不能再参加。"),
    "retirement-category-of-other-sex": (
        "1.2",
        "所选退休年龄类别与证件上的性别不符，请重新选择。",
    ),
    "retirement-category-not-offered": (
        "1.2",
        "现行规则没有开放“女性原50周岁退休”这一类别，请选择原55周岁类别。",
    ),
    "under-age-of-capacity": (
        "1.3",
        "未满{age_years}周岁的人不具有完全民事行为能力，不能签订缴存协议。",
    ),
    "own-labour-income-undeclared": (
        "1.3",
        "您未满{age_years}周岁，请先声明是否以自己的劳动收入为主要生活来源。",
    ),
    "minor-without-own-labour-income": (
        "1.3",
        "您未满{age_years}周岁，且未以自己的劳动收入为主要生活来源，自{from_on}起可以申请。",
    ),
    "work-kind-not-covered": ("1.4", "您选择的就业类型不在试点范围内，试点面向：{kinds}。"),
    "works-outside-city": ("1.4", "试点只面向在湖州市行政区域内就业的人员。"),
    "district-not-covered": ("1.4", "您选择的就业区县不在试点范围内，试点区县为：{districts}。"),
    # How much may be deposited
    "deposit-below-minimum": (
        "4.1",
        "每笔缴存最低{min_yuan}元，您填写的是{amount_yuan}元。",
    ),
    "deposit-above-month-maximum": (
        "4.1",
        (
            "您填写的是{amount_yuan}元；每月最高{max_yuan}元，本月已缴存或待支付{reserved_yuan}元，"
            "还可以缴存{remaining_yuan}元。"
        ),
    ),
    "deposit-month-full": (
        "4.1",
        (
            "每月缴存最高{max_yuan}元，本月已缴存或待支付{reserved_yuan}元，剩余{remaining_yuan}元"
            "不足每笔最低{min_yuan}元，请自{from_on}起再缴存。"
        ),
    ),
    # How the quota came about
    "quota-step-average": (
        "6.3",
        (
            "近{days}天（{first_on}至{last_on}）每日余额之和 {product_yuan} 元·天 ÷ {days}"
            " = 日均缴存余额 {average_yuan} 元"
        ),
    ),
    "quota-step-multiplier": ("6.2", "购买{home}（由您自行申报），存贷倍数为 {multiplier} 倍"),
    "quota-step-coefficient": (
        "6.2",
        "自首笔缴存入账日{first_credit_on}起已满 {months} 个月，存贷系数 {coefficient}（长缴多贷）",
    ),
    "quota-step-no-coefficient": (
        "6.2",
        "自首笔缴存入账起已满 {months} 个月，不足 {months_min} 个月，暂无存贷系数，可贷额度为 0 元",
    ),
    "quota-step-product": (
        "6.2",
        (
            "{product_yuan} 元·天 ÷ {days} × {multiplier} × {coefficient} = {uncapped_yuan} 元"
            "（中间各步不作四舍五入）"
        ),
    ),
    "quota-step-capped": (
        "6.2",
        "{uncapped_yuan} 元超过最高可贷额度，按最高额度 {cap_yuan} 元计",
    ),
    "quota-step-not-capped": (
        "6.2",
        "{uncapped_yuan} 元未超过最高可贷额度 {cap_yuan} 元，不作调整",
    ),
    "quota-step-rounded": ("6.2", "向下取整到 {unit_yuan} 元的整数倍，可贷额度为 {quota_yuan} 元"),
    # What the quota still lacks, and what comes next
    "quota-needs-first-deposit": (
        "6.2",
        "您还没有入账的缴存，自首笔缴存入账之日起满{months_min}个月后可以计算可贷额度。",
    ),
    "quota-needs-months": (
        "6.2",
        "缴存已满{months}个月，还不足{months_min}个月，自{from_on}起可以计算可贷额度。",
    ),
    "quota-needs-balance": (
        "6.3",
        "近{days}天内账户没有余额，日均缴存余额为零，继续缴存后才有额度。",
    ),
    "quota-below-rounding-unit": (
        "6.3",
        "计算结果不足{unit_yuan}元，向下取整后额度为零，继续缴存后才有额度。",
    ),
    "quota-coefficient-rises": (
        "6.2",
        "自{from_on}起缴存满{months}个月，存贷系数将为{coefficient}。",
    ),
    # What-if
    "projection-ignores-interest": (
        "6.4",
        "测算未计入利息，并假定期间没有提取、规则不变；测算结果不是贷款承诺。",
    ),
    "plan-in-the-past": ("6.4", "测算的缴存日期{plan_on}早于今天，请选择今天或以后的日期。"),
    "plan-beyond-horizon": ("6.4", "测算最远到{last_on}，请选择不晚于这一天的缴存日期。"),
}
"""code -> (clause it rests on, template of the sentence)."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason why not: what the worker reads, and the clause it rests on."""

    code: str
    """kebab-case, stable; programs compare this and never the sentence."""
    clause: str
    """Number of the obligation in the pilot plan, "1.1"."""
    sentence: str
    """Plain Chinese, complete, with the numbers in it."""
    field: str | None = None
    """The request field to correct, where there is one."""


def sentence_of(code: str, **facts: object) -> str:
    """The catalogue sentence of `code` with its facts filled in; KeyError if one is missing."""
    return CATALOGUE[code][1].format(**facts)


def clause_of(code: str) -> str:
    """The clause the catalogue sentence of `code` rests on."""
    return CATALOGUE[code][0]


def refuse(code: str, *, field: str | None = None, **facts: object) -> Refusal:
    """A refusal in the catalogue's words; KeyError for an unknown code or a missing fact."""
    return Refusal(code, clause_of(code), sentence_of(code, **facts), field)
