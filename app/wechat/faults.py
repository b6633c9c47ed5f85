"""What can go wrong on the way to WeChat, as facts without secrets."""

from app.errors import Conflict, Unacceptable, Unavailable


class WechatUnavailable(Unavailable):
    """No trustworthy answer came: time-out, 5xx, too many calls, an unsigned or unfit answer.

    It proves nothing about what happened at WeChat's side: query before concluding.
    """

    sentence = "暂时联系不上微信，请稍后再试。"


class WechatCodeRefused(Unacceptable):
    """WeChat does not take the code: used, expired, or never issued."""

    sentence = "微信授权已失效，请重新授权后再试。"


class WechatRefused(Conflict):
    """WeChat Pay refuses the request; `code` is its error code, `status` the HTTP status."""

    sentence = "微信支付未受理此请求（{code}）。"
