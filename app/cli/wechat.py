"""Trying out WeChat before the first real deposit: `flask wechat preflight`."""

import json
import threading

import click
from flask.cli import with_appcontext

from app import clock, settings
from app.services import preflight, preflight_order

SOMETHING_WRONG, ONLY_WARNINGS = 1, 2
_ASK_EVERY_S = 3


@click.group("wechat")
def wechat_group() -> None:
    """WeChat as this deployment meets it."""


@wechat_group.command("preflight")
@click.option("--order", "openid", help="Also place an order over 0.01 yuan for this openid.")
@click.option("--wait-s", default=300, show_default=True, help="How long to wait for the payment.")
@with_appcontext
def preflight_command(openid: str | None, wait_s: int) -> None:
    """Try everything WeChat needs, in order, and say what to do about what is wrong.

    Exit 0 only when every step is ok; 1 when one is wrong or could not be checked; 2 when there
    are warnings and nothing worse. With --order a person pays one fen, and gets it back.
    """
    verdicts = set()
    for step in preflight.run(chosen=settings.current(), at=clock.now()):
        verdicts.add(_shown(step))
    if openid and verdicts <= {preflight.OK, preflight.WARNING}:
        verdicts |= _order(openid, wait_s)
    if verdicts <= {preflight.OK}:
        click.echo("all is well")
        return
    is_worse = bool(verdicts - {preflight.OK, preflight.WARNING})
    click.echo("not ready" if is_worse else "ready, with warnings")
    raise SystemExit(SOMETHING_WRONG if is_worse else ONLY_WARNINGS)


def _order(openid: str, wait_s: int) -> set[str]:
    step, order = preflight_order.place(openid=openid, at=clock.now())
    verdicts = {_shown(step)}
    if order is None:
        return verdicts
    click.echo("pay it now: give these to wx.requestPayment on that person's phone")
    click.echo(json.dumps(dict(order.payment_parameters)))
    pause = threading.Event()
    for _ in range(wait_s // _ASK_EVERY_S):
        if preflight_order.is_paid(order):
            break
        pause.wait(_ASK_EVERY_S)
    for step in preflight_order.finish(order):
        verdicts.add(_shown(step))
    return verdicts


def _shown(step: preflight.Step) -> str:
    click.echo(f"{step.verdict.upper():12} {step.name}: {step.said}")
    return step.verdict
