"""What a run came to, as a page."""

from __future__ import annotations

from collections import Counter

from tests.sim.promises import broken_promises
from tests.sim.run import Result


def report(result: Result, *, command: str, took_s: float) -> str:
    """The run in Markdown."""
    happened = result.happened
    return "\n".join([
        "# A simulated pilot: truth against ledger",
        "",
        "Chance acts on the service and on WeChat's sandbox; WeChat's own books are the truth.",
        "The run ends well only if, with everything come to rest, every payment WeChat took is",
        "credited once, or stands in 219 with an open case, or went back; every refund and",
        "transfer that arrived is one booked leg; each account comes to WeChat's figures to the",
        "fen; and `flask verify` finds nothing. It is written by the command below when that held.",
        "",
        f"- Command: `{command}`",
        f"- Duration: {took_s:.0f} s",
        f"- Operations: {happened.operations}; checks on the way and at the end: {happened.checks}",
        f"- Collected {_yuan(result.collected_fen)}, refunded {_yuan(result.refunded_fen)}, "
        f"transferred {_yuan(result.transferred_fen)} (10109 and 10108 hold exactly that)",
        f"- Trace: `{result.trace_hash}` (the same seed gives the same)",
        f"- Promised and not reached: {', '.join(broken_promises(happened)) or 'nothing'}",
        "",
        "## Outcomes",
        "",
        "| Operation | Outcome | Times |",
        "|---|---|---:|",
        *(f"| {name} | {word} | {n} |" for (name, word), n in sorted(happened.histogram.items())),
        "",
        "## Faults that struck",
        "",
        *_table("Fault", happened.faults),
        "",
        "## States reached",
        "",
        "Open states are counted by the looks that found them, ends by the calms.",
        "",
        *_table("State", happened.states),
        "",
    ])  # fmt: skip


def _table(head: str, counted: Counter[str]) -> list[str]:
    rows = [f"| {name} | {count} |" for name, count in sorted(counted.items()) if count]
    return [f"| {head} | Times |", "|---|---:|", *rows]


def _yuan(fen: int) -> str:
    return f"{fen // 100:,}.{fen % 100:02d} yuan"
