"""Gateways to WeChat: the mini-program's server API and its message push, WeChat Pay APIv3.

Nothing here decides anything. Every call refuses to run while a transaction is open, has a
timeout, follows no redirect, and puts neither secrets nor personal data into an exception.
"""

from typing import Any

from flask import Flask, current_app

from app.settings import Settings
from app.wechat.apiv3_client import Apiv3Client
from app.wechat.certificates import stored_certificates
from app.wechat.miniprogram import MiniProgram
from app.wechat.pay import WechatPay
from app.wechat.push import MessagePush


def install(app: Flask, settings: Settings) -> None:
    """The app speaks to the WeChat its settings name."""
    app.extensions["lingcun-mini-program"] = MiniProgram(settings.mini_program)
    client = Apiv3Client(settings.pay, stored=stored_certificates)
    app.extensions["lingcun-apiv3"] = client
    app.extensions["lingcun-pay"] = WechatPay(
        settings.pay, appid=settings.mini_program.appid, client=client
    )
    app.extensions["lingcun-push"] = MessagePush(settings.push, appid=settings.mini_program.appid)


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


def apiv3() -> Apiv3Client:
    """The WeChat Pay client of this app, for what is not about payments."""
    found: Any = current_app.extensions["lingcun-apiv3"]
    client: Apiv3Client = found
    return client


def push() -> MessagePush:
    """The reader of what WeChat pushes to this app."""
    found: Any = current_app.extensions["lingcun-push"]
    reader: MessagePush = found
    return reader
