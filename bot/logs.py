"""The log: lines for people, or one JSON object a line; numbers, tokens and addresses that should not be there are blotted out."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Literal

import structlog
from structlog.stdlib import ProcessorFormatter

from bot.metrics import ERRORS

Form = Literal["text", "json"]
# Ours alone may say more than INFO: the database's driver, for one, would tell every value of a statement, which is what residents wrote.
OURS = ("bot", "handlers")
# httpx would log Telegram's addresses, and the bot's token stands in them; SQLAlchemy tells values from INFO on.
QUIET = ("httpx", "httpcore", "telegram", "alembic", "twilio", "sqlalchemy", "aiosqlite", "asyncpg")
_TOKEN = re.compile(r"\d+:[A-Za-z0-9_-]{20,}")
_MAIL = re.compile(r"[^\s@<>\"'(),;:]{1,64}@[^\s@<>\"'(),;:]+\.\w+")
_NUMBER = re.compile(r"\+?\d(?:[ \t\u00a0().\-/\u2010-\u2015]{0,3}\d){6,}")
# What structlog or the standard library wrote, and not the caller.
_OURS = frozenset(("level", "logger", "timestamp"))


def configure(level: str, form: Form) -> None:
    """From now on everything that the standard library's loggers hear goes to standard error in this form."""
    handler = logging.StreamHandler()
    handler.setFormatter(formatter(form))
    logging.basicConfig(level="INFO" if level == "DEBUG" else level, handlers=[handler, _Counting(logging.ERROR)])
    for name in OURS:
        logging.getLogger(name).setLevel(level)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def formatter(form: Form) -> logging.Formatter:
    """Masking stands behind everything that puts words into an event, before the time is written, which looks like a number."""
    # Without exceptions of its own: they have been written, and masked, before.
    people = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)
    return ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.add_log_level, structlog.stdlib.add_logger_name],
        processors=[
            ProcessorFormatter.remove_processors_meta,
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,
            _masked_event,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(ensure_ascii=False) if form == "json" else people,
        ],
    )


def masked(text: str) -> str:
    """The text without bot tokens, e-mail addresses and numbers of seven digits or more."""
    for pattern, mark in ((_TOKEN, "[token]"), (_MAIL, "[email]"), (_NUMBER, "[number]")):
        text = pattern.sub(mark, text)
    return text


def _masked_event(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The last line of defence: whatever a caller said goes through here."""
    for key in event.keys() - _OURS:
        event[key] = masked(str(event[key]))
    return event


class _Counting(logging.Handler):
    """Counts errors for Prometheus, by who logged them."""

    def emit(self, record: logging.LogRecord) -> None:
        ERRORS.labels(record.name).inc()
