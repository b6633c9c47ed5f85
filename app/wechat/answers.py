"""A verified answer, read: as what was asked for and about what was asked for, or not trusted."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from app import log
from app.wechat.faults import WechatUnavailable
from app.wechat.transaction import TransactionUnfit

T = TypeVar("T")


def read_answer(
    read: Callable[[Mapping[str, Any]], T], answer: Mapping[str, Any], **asked: str
) -> T:
    """What `read` makes of the answer, its fields being those that were asked about.

    Raises `WechatUnavailable` for an answer that does not fit, or is about another number.
    """
    found, unfit = None, ""
    try:
        found = read(answer)
    except TransactionUnfit as error:
        unfit = error.field
    if found is None:  # not from within the handler: what could not be read would come along
        log.get().error("wechat-answer-unfit", field=unfit)
        raise WechatUnavailable(why="answer-unfit")
    if any(getattr(found, field) != value for field, value in asked.items()):
        log.get().error("wechat-answer-about-another", asked=sorted(asked))
        raise WechatUnavailable(why="about-another")
    return found
