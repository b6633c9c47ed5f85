"""Logs are JSON lines without personal data: one event name, plain facts, a request id.

Bodies, headers, tokens, names, numbers of people and exception texts of libraries never go in:
libraries put URLs with secrets into their messages. What slips through is masked by shape.
"""

import logging
import re
import sys
from typing import Any

import structlog

# 18-digit ID numbers, mobile numbers, openids, and anything named like a secret.
_SHAPES = (
    (re.compile(r"(?<!\d)\d{17}[\dXx](?!\d)"), "<id-number>"),
    (re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)"), "<phone>"),
    (re.compile(r"(?<![\w-])o[A-Za-z0-9_-]{27}(?![\w-])"), "<openid>"),
    (
        re.compile(r"(?i)(secret|access_token|session_key|js_code|signature|code)=[^&\s\"']+"),
        r"\1=<masked>",
    ),
)


def configure(level: str) -> None:
    """From now on this process logs JSON lines to standard error."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _name_exception,
            _masked,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
        ),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )


def get() -> Any:
    """The logger; call `.info("event-name", fact=...)` with facts that name nobody."""
    return structlog.get_logger()


def masked(value: Any) -> Any:
    """The value with everything shaped like personal data or a secret replaced."""
    if isinstance(value, str):
        for shape, instead in _SHAPES:
            value = shape.sub(instead, value)
        return value
    if isinstance(value, dict):
        return {key: masked(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [masked(item) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    # Anything else would be written by its own words: an exception's may hold data.
    return type(value).__name__ if isinstance(value, BaseException) else masked(str(value))


def _masked(_logger: Any, _method: str, event: Any) -> Any:
    return {key: masked(value) for key, value in event.items()}


def _name_exception(_logger: Any, _method: str, event: Any) -> Any:
    """An exception is logged by type and place, never by its text, which may carry data."""
    info = event.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    error = info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        trace = error.__traceback__
        places = []
        while trace is not None:
            code = trace.tb_frame.f_code
            places.append(f"{code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno} {code.co_name}")
            trace = trace.tb_next
        event["error"] = f"{type(error).__module__}.{type(error).__name__}"
        event["trace"] = places[-12:]
    return event
