"""A worker's first year, lived over HTTP exactly as his phone would: `python -m sandbox.demo`.

Every step is checked against what the ordinance says must be true; the first one that is not ends
the demonstration with exit code 1.
"""

from __future__ import annotations

import argparse
import sys
from datetime import date, timedelta
from functools import partial
from typing import Any

import requests

from sandbox import demo_office
from sandbox.phone import Owner, Phone, Problem
from sandbox.story import StepBroke, Story, until, yuan

RIDER = Owner(name="沈阿宝", id_number="330502199001011236", phone="13812341234")
BEGINS_ON = date(2025, 1, 6)
MONTHLY_FEN = 500_000


def way_in(story: Story) -> Phone:
    """Login, consents, real name, eligibility, agreement."""
    story.chapter("一、入门：登录、实名、资格、签约")
    story.clock(BEGINS_ON)
    phone = Phone(story.api, story.sandbox, RIDER)
    phone.log_in()
    story.step("微信登录成功，手机只持有本系统的令牌")
    titles = phone.consent()
    story.step(f"逐项单独同意：{'、'.join(titles)}")
    phone.prove_identity()
    me = phone.get("/v1/me")
    story.step(f"实名核验通过：{me['name_masked']}，证件 {me['id_number_masked']}")
    admitted = phone.enrol(work_kind="new-form", district="wuxing")
    story.step(f"符合参加条件，适用政策 {admitted['policy_code']}")
    signed = phone.sign_agreement()
    story.step(f"签署《{signed['title']}》，文本 SHA-256 {signed['text_sha256'][:16]}…")
    check_paper(story, phone, signed["agreement_id"])
    return phone


def check_paper(story: Story, phone: Phone, agreement_id: str) -> None:
    """The sealed PDF is valid for anybody, and one changed bit is not."""
    pdf = phone.agreement_pdf(agreement_id)
    verdict = verify_paper(story, pdf)
    story.step(f"电子印章验真：{verdict['reason']}（{len(pdf):,} 字节）", holds=verdict["valid"])
    changed = bytearray(pdf)
    changed[len(pdf) // 2] ^= 1
    verdict = verify_paper(story, bytes(changed))
    story.step(f"改动一个比特后验真：{verdict['reason']}", holds=not verdict["valid"])


def verify_paper(story: Story, pdf: bytes) -> dict[str, Any]:
    """The public verdict on a PDF."""
    answer = requests.post(
        f"{story.api}/v1/public/agreements/verify",
        data=pdf,
        headers={"Content-Type": "application/pdf"},
        timeout=30,
    )
    answer.raise_for_status()
    return dict(answer.json())


def first_deposit(story: Story, phone: Phone) -> None:
    """The account opens with the first deposit, and repeats change nothing."""
    story.chapter("二、首次缴存，开立账户")
    try:
        phone.get("/v1/me/account")
        story.step("首次缴存前没有账户", holds=False)
    except Problem as problem:
        story.step(f"首次缴存前：{problem.details['detail']}", holds=problem.status == 409)
    try:
        phone.order(100)
        story.step("低于最低额应被拒绝", holds=False)
    except Problem as problem:
        story.step(f"想存1.00元：{problem.details['reasons'][0]['sentence']}")
    ordered = phone.order(MONTHLY_FEN, key="first-deposit-2025")
    again = phone.order(MONTHLY_FEN, key="first-deposit-2025")
    same = ordered["deposit"]["deposit_id"] == again["deposit"]["deposit_id"]
    story.step("网络不好重发同一请求：仍是同一笔订单", holds=same)
    phone.wechat.pay(again["payment_parameters"])
    found = until(lambda: has_balance(phone, MONTHLY_FEN))
    account = phone.get("/v1/me/account") if found else {}
    story.step(f"微信支付通知到账，账户 {account.get('account_no')} 开立", holds=found)
    books = requests.get(f"{story.sandbox}/sandbox/books", timeout=30).json()
    out_trade_no = books["transactions"][0]["out_trade_no"]
    statuses = phone.wechat.play(f"orders/{out_trade_no}/resend", {"copies": 5})["statuses"]
    story.step(
        f"微信重复通知5次：应答 {statuses}，余额不变",
        holds=set(statuses) == {204} and has_balance(phone, MONTHLY_FEN),
    )
    forged = phone.wechat.play(f"orders/{out_trade_no}/forge", {"kind": "signature"})
    story.step(f"伪造通知：应答 {forged['status']}，余额不变", holds=forged["status"] == 401)


def first_year(story: Story, phone: Phone) -> None:
    """Eleven more deposits; one is told of after midnight, one WeChat never tells us about."""
    story.chapter("三、头一年：每月6日存5,000.00元")
    for month in range(2, 13):
        day = date(2025, month, 6)
        story.clock(day)
        phone.log_in()  # a session lives thirty days, an app is opened more often
        if month == 4:
            told_after_midnight(story, phone, day)
        elif month == 7:
            never_told(story, phone, day)
        else:
            phone.deposit(MONTHLY_FEN)
            found = until(partial(has_balance, phone, month * MONTHLY_FEN))
            story.step(f"{month}月到账，余额 {yuan(month * MONTHLY_FEN)} 元", holds=found)


def told_after_midnight(story: Story, phone: Phone, day: date) -> None:
    """Paid a second before midnight, heard of after it: the money counts from its own day."""
    story.clock(day, "23:59:30")
    phone.deposit(MONTHLY_FEN, success_time=f"{day}T23:59:59+08:00", notify=False)
    story.clock(day + timedelta(days=1), "00:05:00")
    found = until(partial(has_balance, phone, 4 * MONTHLY_FEN))
    last = phone.get("/v1/me/account/postings", limit=1)[0]
    story.step(
        f"4月6日23:59:59支付，次日才得知：计息日 {last['value_on']}，记账日 {last['booked_on']}",
        holds=found and last["value_on"] == str(day) and last["booked_on"] > str(day),
    )


def never_told(story: Story, phone: Phone, day: date) -> None:
    """WeChat's notice is lost; the follow-up asks by itself."""
    story.faults(no_notice=True)
    phone.deposit(MONTHLY_FEN)
    story.faults()
    story.clock(day, "09:02:00")
    found = until(partial(has_balance, phone, 7 * MONTHLY_FEN))
    story.step("7月微信没有通知：系统主动查询找到了这笔钱", holds=found)


def has_balance(phone: Phone, fen: int) -> bool:
    """Whether the account shows this balance."""
    try:
        return bool(phone.get("/v1/me/account")["flexible_fen"] == fen)
    except Problem:
        return False


def year_end(story: Story, phone: Phone) -> None:
    """The account, balances by month, the quota explained, and a what-if."""
    story.chapter("四、满一年：账户、每月余额、可贷额度")
    today = date(2026, 1, 6)
    story.clock(today)
    phone.log_in()
    account = phone.get("/v1/me/account")
    story.step(
        f"账户 {account['account_no']}，开户 {account['opened_on']}，"
        f"余额 {yuan(account['flexible_fen'])} 元",
        holds=account["flexible_fen"] == 12 * MONTHLY_FEN,
    )
    days = phone.get(
        "/v1/me/account/daily-balances", **{"from": "2025-01-07", "to": today.isoformat()}
    )
    story.step(f"每日余额 {len(days)} 天，每天一行", holds=len(days) == 365)
    months(story, days)
    quota(story, phone, days)
    what_if(story, phone, today)


def months(story: Story, days: list[dict[str, Any]]) -> None:
    """A bar per month: the balance at its end."""
    ends = {day["day"][:7]: day["closing_fen"] for day in days}
    for month, fen in ends.items():
        story.say(f"{month}  {yuan(fen):>10} 元  {'█' * (fen // 250_000)}")


def quota(story: Story, phone: Phone, days: list[dict[str, Any]]) -> None:
    """The live quota, recomputed here from the daily balances."""
    answer = phone.get("/v1/me/quota", home="first")
    by_hand = sum(day["closing_fen"] for day in days)
    exact = answer["average"]["product_fen_days"] == by_hand and answer["average"]["days"] == 365
    story.step(f"首套房可贷额度 {yuan(answer['quota_fen'])} 元，计算过程：", holds=exact)
    for step in answer["steps"]:
        story.say(f"〔{step['clause']}〕{step['sentence']}")
    if answer["next_step"]:
        story.say(f"〔{answer['next_step']['clause']}〕{answer['next_step']['sentence']}")
    story.say(f"政策版本 {answer['policy_code']}（{answer['policy_sha256'][:16]}…）")
    story.say(answer["policy_note"])
    second = phone.get("/v1/me/quota", home="second")
    story.step(
        f"第二套房可贷额度 {yuan(second['quota_fen'])} 元",
        holds=0 < second["quota_fen"] < answer["quota_fen"],
    )


def what_if(story: Story, phone: Phone, today: date) -> None:
    """Keeping on depositing: longer and more."""
    body = {
        "kind": "monthly",
        "amount_fen": MONTHLY_FEN,
        "from_on": (today + timedelta(days=1)).isoformat(),
    }
    answer = phone.post("/v1/me/quota/what-if", body)
    series = [each["quota_fen"] for each in answer["series"]]
    story.step("试算：继续每月存5,000.00元，额度只升不降", holds=series == sorted(series))
    for each in answer["series"][:: max(1, len(series) // 6)]:
        story.say(
            f"{each['on']}  日均 {yuan(each['average_fen'])} 元 → {yuan(each['quota_fen'])} 元"
        )
    story.say(answer["note"])


def main() -> int:
    """The whole story; 0 only if every step held."""
    parser = argparse.ArgumentParser(description="A worker's first year over HTTP.")
    parser.add_argument("--api", required=True, help="the service, such as http://127.0.0.1:8000")
    parser.add_argument("--sandbox", required=True, help="the WeChat of this machine")
    asked = parser.parse_args()
    story = Story(asked.api, asked.sandbox)
    try:
        phone = way_in(story)
        first_deposit(story, phone)
        first_year(story, phone)
        year_end(story, phone)
        demo_office.policy_change(story, phone)
    except StepBroke:
        return 1
    except (Problem, requests.RequestException) as broken:
        print(f"\n  ✗ 演示中断：{broken}", file=sys.stderr)
        return 1
    story.chapter("六、核账")
    return 0


if __name__ == "__main__":
    sys.exit(main())
