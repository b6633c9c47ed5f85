"""The form of a transfer request, and what its scene demands of it."""

from dataclasses import dataclass
from typing import Any

from sandbox.form import in_form, list_of, notify_url, text, thing, whole
from sandbox.pay_problem import PayProblem, wrong_parameter
from sandbox.prepay_form import TOTAL_MAX_FEN

# The payee's real name must be told from 2,000 yuan up and must not be below 0.30 yuan.
NAMED_FROM_FEN = 200_000
NAMED_NOT_BELOW_FEN = 30


@dataclass(frozen=True)
class Scene:
    """What the merchant reports of a transfer of that scene, and what the payee may be shown."""

    info_types: frozenset[str]
    perceptions: frozenset[str] = frozenset()


# The scenes whose demands are published. Of any other one only the shape is checked.
SCENES = {
    "1000": Scene(frozenset({"活动名称", "奖励说明"})),
    "1002": Scene(frozenset({"补贴类型"}), frozenset({"行政补贴", "行政奖励"})),
    "1005": Scene(frozenset({"岗位类型", "报酬说明"}), frozenset({"劳务报酬"})),
    "1010": Scene(frozenset({"回收商品名称"})),
}

_INFO = thing({"info_type": text(15), "info_content": text(32)}, {})

_TRANSFER = thing(
    {
        "appid": text(32),
        "out_bill_no": text(32, r"[0-9A-Za-z]+", "只能由数字、大小写字母组成"),
        "transfer_scene_id": text(36),
        "openid": text(64),
        "transfer_amount": whole(1, TOTAL_MAX_FEN),
        "transfer_remark": text(32),
        "transfer_scene_report_infos": list_of(_INFO),
    },
    {
        # As it is sealed: an RSA block in base64.
        "user_name": text(1024),
        "notify_url": notify_url(255),
        "user_recv_perception": text(64),
    },
)


def transfer_request(body: bytes) -> dict[str, Any]:
    """A transfer request in form is returned, the name in it still sealed. Raises PayProblem."""
    asked = in_form(body, _TRANSFER)
    fen, is_named = asked["transfer_amount"], "user_name" in asked
    if fen >= NAMED_FROM_FEN and not is_named:
        raise wrong_parameter("/user_name", "转账金额大于等于2000元时必填")
    if fen < NAMED_NOT_BELOW_FEN and is_named:
        raise wrong_parameter("/user_name", "转账金额小于0.3元时不允许填写")
    if not asked["transfer_scene_report_infos"]:
        raise wrong_parameter("/transfer_scene_report_infos", "不能为空")
    return asked


def require_scene(asked: dict[str, Any], *, scenes: list[str]) -> None:
    """The scene is among the merchant's `scenes` and has what it demands. Raises PayProblem."""
    if asked["transfer_scene_id"] not in scenes:
        raise PayProblem(400, "INVALID_REQUEST", "你尚未获取该转账场景")
    scene = SCENES.get(asked["transfer_scene_id"])
    if scene is None:
        return
    told = [info["info_type"] for info in asked["transfer_scene_report_infos"]]
    if sorted(told) != sorted(scene.info_types):
        wanted = "、".join(sorted(scene.info_types))
        raise wrong_parameter("/transfer_scene_report_infos", f"info_type 应为{wanted}")
    shown = asked.get("user_recv_perception")
    if shown is not None and scene.perceptions and shown not in scene.perceptions:
        raise PayProblem(400, "INVALID_REQUEST", "暂不支持展示当前传入的用户收款感知")
