"""Gateways to WeChat: the mini-program's server API, WeChat Pay APIv3, and its notices.

Nothing here decides anything. Every call refuses to run while a transaction is open, has a
timeout, follows no redirect, and puts neither secrets nor personal data into an exception.
"""

from typing import Any

from flask import Flask, current_app

from app.settings import Settings
from app.wechat.miniprogram import MiniProgram
from app.wechat.pay import WechatPay


def install(app: Flask, settings: Settings) -> None:
    """The app speaks to the WeChat its settings name."""
    app.extensions["lingcun-mini-program"] = MiniProgram(settings.mini_program)
    app.extensions["lingcun-pay"] = WechatPay(settings.pay, appid=settings.mini_program.appid)


def mini_program() -> MiniProgram:
    """The mini-program gateway of this app."""
    found: Any = current_app.extensions["lingcun-mini-program"]
    gateway: MiniProgram = found
    return gateway


def pay() -> WechatPay:
    """The WeChat Pay gateway of this app."""
    found: Any = current_app.extensions["lingcun-pay"]
    gateway: WechatPay = found
    return gateway
