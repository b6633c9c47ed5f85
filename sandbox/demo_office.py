"""The centre changes a rule: one person proposes, another approves, and the phone shows it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from sandbox.desk import Desk
from sandbox.phone import Phone, Problem
from sandbox.story import Story, yuan

_ROOT = Path(__file__).resolve().parents[1]
_POLICY = _ROOT / "policies" / "huzhou-pilot.toml"
_FROM_ON = date(2026, 2, 1)
_MULTIPLIER = 20
# Made-up people of this machine.
_ADMINISTRATORS = {
    "an.yi": ("安一", "330502198001010010"),
    "an.er": ("安二", "330502198002020020"),
}
_OFFICER = ("zheng.ce", "政小策", "330502198503030030", "policy-officer")
_SECRETARY = ("guan.wei", "管小委", "330502198704040040", "committee-secretary")


def policy_change(story: Story, phone: Phone) -> None:
    """From two administrators at the terminal to a quota under the new rule."""
    story.chapter("五、政策调整：一人提出，另一人审批")
    first, second = (_administrator(story, login) for login in _ADMINISTRATORS)
    story.step("两名安全管理员由命令行邀请，各自设定密码和动态码；系统没有默认账号")
    officer = _hired(story, first, second, *_OFFICER)
    secretary = _hired(story, first, second, *_SECRETARY)
    story.step("政策专员、管委会秘书的账号：一名管理员提出，另一名批准")
    before = phone.get("/v1/me/quota", home="first")
    proposal = _proposed(story, officer)
    his_other_login = _hired(story, first, second, "zheng.ce.2", *_OFFICER[1:3], _SECRETARY[3])
    _refused(story, his_other_login, secretary, proposal)
    seen = secretary.get(f"/approvals/{proposal['approval_id']}")
    story.step(f"受理号 {seen['acceptance_no']}，管委会秘书看到的变化：")
    for sentence in seen["in_words"]:
        story.say(sentence)
    done = secretary.approve(proposal, "管委会2026年第1次会议决议")
    story.step(
        f"管委会秘书批准，执行内容的 SHA-256 与所见一致：{done['payload_sha256'][:16]}…",
        holds=done["state"] == "approved" and done["payload_sha256"] == seen["payload_sha256"],
    )
    _in_force(story, phone, before)
    _on_record(story, first, second, proposal)


def _administrator(story: Story, login: str) -> Desk:
    name, id_number = _ADMINISTRATORS[login]
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "staff", "add-administrator"]
    whose = ["--login", login, "--name", name, "--id-number", valid(id_number)]
    said = subprocess.run(  # noqa: S603 - our own command
        [*command, *whose], cwd=_ROOT, capture_output=True, text=True, check=True
    )
    return _signed_in(story, login, said.stdout.split("24 hours: ")[1].split()[0])


def _hired(
    story: Story, first: Desk, second: Desk, login: str, name: str, id_number: str, role: str
) -> Desk:
    proposal = first.propose(
        "staff-account",
        "试点开办",
        login=login,
        name=name,
        id_number=valid(id_number),
        role=role,
        district="centre",
    )
    account_id = second.approve(proposal)["result"]["account_id"]
    path = f"/accounts/{account_id}/activation-code"
    code = "-".join(desk.post(path)["code"] for desk in (first, second))
    return _signed_in(story, login, code)


def _signed_in(story: Story, login: str, code: str) -> Desk:
    desk = Desk(story.api, story.sandbox, login)
    desk.activate(code)
    desk.sign_in()
    return desk


def _proposed(story: Story, officer: Desk) -> dict[str, Any]:
    """First a file with two mistakes, then the right one."""
    good = _document()
    bad = good.replace('unit = "times"', 'unit = "fold"', 1).replace("cap_fen", "cap_fn")
    problem = _problem(lambda: officer.post("/policies/check", {"document": bad}))
    found = problem.details["errors"]["document"]
    story.step(f"有错的文件当场指出全部 {len(found)} 处：{'；'.join(found)}", holds=len(found) > 1)
    proposal = officer.propose("policy-version", "提高首套房倍数", document=good)
    story.step(f"政策专员提出新版本，须于 {proposal['expires_at'][:10]} 前由他人审批")
    return proposal


def _refused(story: Story, his_other: Desk, secretary: Desk, proposal: dict[str, Any]) -> None:
    own = _problem(lambda: his_other.approve(proposal))
    story.step(
        f"本人换另一个有审批岗位的账号来批：{own.status}，{own.details['detail']}",
        holds=own.kind == "same-person",
    )
    path = f"/approvals/{proposal['approval_id']}/approve"
    other = _problem(lambda: secretary.post(path, {"payload_sha256": "0" * 64, "reason": "未细看"}))
    story.step(f"没看清就批：{other.details['detail']}", holds=other.kind == "not-as-seen")


def _in_force(story: Story, phone: Phone, before: dict[str, Any]) -> None:
    phone.log_in()
    today = phone.get("/v1/me/quota", home="first")
    story.step(
        f"批准当日额度不变：{yuan(today['quota_fen'])} 元（{today['policy_code']}）",
        holds=today["quota_fen"] == before["quota_fen"],
    )
    story.clock(_FROM_ON)
    phone.log_in()
    after = phone.get("/v1/me/quota", home="first")
    story.step(
        f"{_FROM_ON}起按新版本：{yuan(after['quota_fen'])} 元（{after['policy_code']}）",
        holds=after["policy_code"] == "huzhou-pilot-2026.1"
        and after["quota_fen"] > today["quota_fen"],
    )


def _on_record(story: Story, first: Desk, second: Desk, proposal: dict[str, Any]) -> None:
    for desk in (first, second):
        desk.sign_in()  # their sessions ended overnight, as every session does
    auditor = _hired(story, first, second, "shen.ji", "审小计", "330502197905050050", "auditor")
    lines = auditor.get("/audit", subject=proposal["approval_id"])["items"]
    story.step(
        f"审计记录：这笔审批共 {len(lines)} 条，谁、做了什么、结果如何", holds=len(lines) > 3
    )
    for line in lines[:6]:
        what = line["act"].replace("/v1/staff", "").replace("<approval_id>", "…")
        story.say(f"{line['at'][:19]}  {line['login']:<10} {line['status']}  {what}")


def _document() -> str:
    text = _POLICY.read_text("utf-8")
    for pattern, instead in (
        (r'^code = ".*"$', 'code = "huzhou-pilot-2026.1"'),
        (r"^effective_on = .*$", f"effective_on = {_FROM_ON}"),
        (r"(\[quota\.multiplier_first_home\]\nvalue = )\d+", rf"\g<1>{_MULTIPLIER}"),
    ):
        text = re.sub(pattern, instead, text, count=1, flags=re.MULTILINE)
    return text


def _problem(act: Callable[[], Any]) -> Problem:
    try:
        act()
    except Problem as problem:
        return problem
    raise Problem(200, {"detail": "应被拒绝而未被拒绝"})


def valid(id_number: str) -> str:
    """The made-up number with the check character that belongs to it (ISO 7064 MOD 11-2)."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(digit) * weight for digit, weight in zip(id_number, weights, strict=False))
    return id_number[:17] + "10X98765432"[total % 11]
