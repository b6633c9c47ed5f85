"""Who is asking: the session behind a request, and how far he has come."""

from dataclasses import dataclass

from sqlalchemy import select

from app.db import db
from app.errors import Conflict, Unauthenticated
from app.models import Person, WechatAccount


class StepMissing(Conflict):
    """An earlier step of the way in comes first; `step` names it."""

    sentence = "请先完成：{name}。"

    def __init__(self, step: str) -> None:
        super().__init__(step=step, name=STEPS[step])
        self.step = step


STEPS = {
    "consents": "逐项同意个人信息处理",
    "identity-check": "实名核验",
    "enrolment": "参加资格申请",
    "agreement": "签署缴存使用协议",
    "first-deposit": "首次缴存",
}


@dataclass(frozen=True)
class Member:
    """A logged-in phone: its session, its WeChat account, and the person once proved."""

    session_id: int
    wechat_account_id: int
    person_id: int | None

    def proved(self) -> int:
        """The person's id; raises `StepMissing` before the real-name check."""
        if self.person_id is None:
            raise StepMissing("identity-check")
        return self.person_id


def refuse_unless_bound(member: Member) -> None:
    """Returns when the member's WeChat account still stands for him; else `Unauthenticated`.

    In the caller's transaction, with the person's row locked: he may have proved himself on
    another phone since the request came in.
    """
    bound = db.session().scalar(
        select(WechatAccount.person_id).where(WechatAccount.id == member.wechat_account_id)
    )
    if bound is None or bound != member.person_id:
        raise Unauthenticated()


def locked_person(person_id: int) -> Person:
    """The person's row, locked until the transaction ends: one change of his at a time."""
    return (
        db.session()
        .scalars(
            select(Person)
            .where(Person.id == person_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        .one()
    )
