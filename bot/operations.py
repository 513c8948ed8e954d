"""`faro doctor`: what is looked at, and what is found. What to do about it stands in locale/ under doctor.<code>."""

import os
import shutil
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

import httpx

from bot.channels.sms import MESSAGES
from bot.channels.telegram import WEBHOOK
from bot.checks.everything import problems_of, read_subject
from bot.directory.shelters import FRESH_FOR
from bot.errors import errors_among
from bot.geo.tables import load_gazetteer
from bot.logs import masked
from bot.messages import LOCAL_TIME
from bot.settings import Settings
from bot.store.facts import Facts, Waiting, read_facts
from bot.store.migrating import revisions
from bot.tls import trusted
from bot.understanding.understander import learning_hash, model_path
from bot.wording.catalog import Words

PATIENCE = 10.0
MOST_PENDING, RECENT = 50, timedelta(hours=1)
SKEW = timedelta(seconds=60)
LOW, FULL = 1 << 30, 100 << 20
# How long a message may wait in the inbox or the spool before somebody should look, and before something is broken.
LONG, TOO_LONG = timedelta(minutes=1), timedelta(minutes=5)
FEED_LATE = timedelta(hours=1)
RETRY = "#rc=5&rp=all"


class Grade(StrEnum):
    OK = "ok"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One line of the doctor's."""

    grade: Grade
    code: str
    values: Mapping[str, object] = field(default_factory=dict)


def ok(code: str, **values: object) -> Finding:
    return Finding(grade=Grade.OK, code=code, values=values)


def warn(code: str, **values: object) -> Finding:
    return Finding(grade=Grade.WARN, code=code, values=values)


def bad(code: str, **values: object) -> Finding:
    return Finding(grade=Grade.BAD, code=code, values=values)


async def examine(settings: Settings, words: Words, clock: Callable[[], datetime]) -> list[Finding]:
    """Everything, in the order in which it is told. Nothing is changed, neither here nor at the vendors."""
    found = [*_doors(settings), *_secret(settings)]
    async with httpx.AsyncClient(timeout=PATIENCE, verify=trusted()) as client:
        vendors = Vendors(settings, client, clock)
        found += [*await vendors.telegram(), *await vendors.twilio(), vendors.clock()]
    found += [*_disk(settings), *await _database(settings, clock()), *_spool(settings, clock())]
    return [*found, *_content(settings, words, clock())]


def _doors(settings: Settings) -> Iterator[Finding]:
    called = bool(settings.twilio_auth_token or (settings.telegram_token and settings.telegram_webhook()))
    yield ok("door-web", url=f"{settings.public_url.rstrip('/') or f'http://{settings.host}:{settings.port}'}/")
    yield ok("door-telegram-open") if settings.telegram_token else ok("door-telegram-closed")
    yield ok("door-twilio-open") if settings.twilio_auth_token else ok("door-twilio-closed")
    if not settings.public_url:
        yield warn("public-missing")
    elif not settings.public_url.startswith("https://"):
        yield (bad if called else warn)("public-insecure")
    elif not settings.trusted_proxies:
        yield warn("proxies-missing")


def _secret(settings: Settings) -> Iterator[Finding]:
    """The key is looked at from outside: asking for it would make one."""
    file = settings.data / "secret"
    given = settings.secret and settings.secret.get_secret_value()
    if not given and not settings.database().startswith("sqlite"):
        yield warn("secret-not-shared")
    if not given and file.exists() and file.stat().st_mode & 0o077:
        yield bad("secret-readable", path=file)


class Vendors:
    """What stands at Telegram and Twilio, against what should."""

    def __init__(self, settings: Settings, client: httpx.AsyncClient, clock: Callable[[], datetime]) -> None:
        self._settings = settings
        self._client = client
        self._clock = clock
        self._skews: list[timedelta] = []

    async def telegram(self) -> list[Finding]:
        if not self._settings.telegram_token:
            return []
        url = f"{self._settings.telegram_api_url.rstrip('/')}/bot{self._settings.telegram_token.get_secret_value()}/getWebhookInfo"
        answer = await self._heard(self._client.get(url))
        if answer is None:
            return [bad("telegram-silent")]
        if answer.status_code in (401, 404):
            return [bad("telegram-refused")]
        info = _object(answer).get("result")
        return list(self._webhook(info)) if isinstance(info, dict) else [bad("telegram-silent")]

    def _webhook(self, info: Mapping[str, Any]) -> Iterator[Finding]:
        settings, there = self._settings, str(info.get("url", ""))
        expected = f"{settings.public_url.rstrip('/')}{WEBHOOK}" if settings.telegram_webhook() else ""
        if there == expected:
            yield ok("telegram-webhook", url=expected) if expected else ok("telegram-polling")
        elif not expected:
            yield bad("telegram-in-the-way", host=_host(there))
        else:
            yield bad("telegram-elsewhere", expected=expected, host=_host(there) or "-")
        if (pending := int(info.get("pending_update_count", 0))) > MOST_PENDING:
            yield warn("telegram-pending", count=pending)
        if there and self._clock() - datetime.fromtimestamp(int(info.get("last_error_date", 0)), UTC) < RECENT:
            yield warn("telegram-error", told=masked(str(info.get("last_error_message", "?")))[:200])

    async def twilio(self) -> list[Finding]:
        settings = self._settings
        if not settings.twilio_auth_token:
            return []
        if not (settings.twilio_account_sid and settings.twilio_from.startswith("+")):
            return [warn("twilio-not-looked", expected=f"{self._twilio_expected()}{RETRY}")]
        url = f"{settings.twilio_api_url.rstrip('/')}/2010-04-01/Accounts/{settings.twilio_account_sid}/IncomingPhoneNumbers.json"
        auth = (settings.twilio_account_sid, settings.twilio_auth_token.get_secret_value())
        answer = await self._heard(self._client.get(url, params={"PhoneNumber": settings.twilio_from}, auth=auth))
        if answer is None:
            return [bad("twilio-silent")]
        if answer.status_code in (401, 403, 404):
            return [bad("twilio-refused")]
        numbers = _object(answer).get("incoming_phone_numbers")
        if not isinstance(numbers, list):
            return [bad("twilio-silent")]
        return list(self._number(numbers[0])) if numbers else [bad("twilio-no-number")]

    def _twilio_expected(self) -> str:
        return f"{self._settings.public_url.rstrip('/')}{MESSAGES}"

    def _number(self, number: Mapping[str, Any]) -> Iterator[Finding]:
        expected = self._twilio_expected()
        address, _, overrides = str(number.get("sms_url") or "").partition("#")
        if address != expected or number.get("sms_method") != "POST":
            yield bad("twilio-elsewhere", expected=f"{expected}{RETRY}", host=_host(address) or "-")
        elif not {"rc=5", "rp=all"} <= set(overrides.split("&")):
            yield warn("twilio-no-retry", expected=f"{expected}{RETRY}")
        else:
            yield ok("twilio-webhook", url=expected)
        if not number.get("sms_fallback_url"):
            yield warn("twilio-no-fallback")

    def clock(self) -> Finding:
        """Vendors' clocks are right: what is wrong is ours."""
        if not self._skews:
            return ok("clock-not-compared")
        skew = min(self._skews, key=abs)
        return (warn if abs(skew) > SKEW else ok)("clock-off" if abs(skew) > SKEW else "clock", seconds=round(abs(skew).total_seconds()))

    async def _heard(self, request: Awaitable[httpx.Response]) -> httpx.Response | None:
        """An answer, or None when none came. Its Date is compared with our clock."""
        try:
            answer = await request
        except (httpx.HTTPError, httpx.InvalidURL):
            return None
        with suppress(KeyError, ValueError):
            self._skews.append(self._clock() - parsedate_to_datetime(answer.headers["date"]))
        return answer


def _object(answer: httpx.Response) -> Mapping[str, Any]:
    try:
        given = answer.json()
    except ValueError:
        return {}
    return given if isinstance(given, dict) else {}


def _host(url: str) -> str:
    """Where an address leads. Its path may be another bot's secret."""
    return urlsplit(url).hostname or ""


def _disk(settings: Settings) -> Iterator[Finding]:
    folder = next(path for path in (settings.data.absolute(), *settings.data.absolute().parents) if path.exists())
    free = shutil.disk_usage(folder).free
    values = {"path": settings.data.absolute(), "free": f"{free / (1 << 30):.1f} GB"}
    if not os.access(folder, os.W_OK):
        yield bad("disk-read-only", **values)
    elif free < FULL:
        yield bad("disk-full", **values)
    else:
        yield warn("disk-low", **values) if free < LOW else ok("disk", **values)


async def _database(settings: Settings, now: datetime) -> list[Finding]:
    try:
        facts = await read_facts(settings.database())
    except Exception as error:  # noqa: BLE001  whatever the driver says, this is what the doctor is for
        return [bad("database-away", error=type(error).__name__)]
    return [*_tables(facts), *_inbox(facts.waiting, now), *feeds_found(facts, settings.asked(), now)]


def _tables(facts: Facts) -> Iterator[Finding]:
    known = revisions()
    if facts.revision is None:
        yield ok("database-new", kind=facts.kind)
    elif facts.revision not in known:
        yield bad("database-newer")
    elif facts.revision != known[0]:
        yield warn("database-older")
    else:
        yield ok("database", kind=facts.kind)
    if facts.revision and not facts.wal:
        yield warn("database-no-wal")


def feeds_found(facts: Facts, asked: Iterable[str], now: datetime) -> Iterator[Finding]:
    """The feeds that are asked. What is told to nobody any more is broken."""
    for name in sorted(asked):
        good_at, trouble = facts.feeds.get(name, (None, ""))
        if good_at is None:
            yield warn("feed-never", name=name)
            continue
        age = now - good_at
        values = {"name": name, "minutes": round(age.total_seconds() / 60)}
        if age <= FEED_LATE:
            yield ok("feed", **values)
        else:
            yield (bad if age > FRESH_FOR else warn)("feed-stopped", **values, trouble=trouble or "-")


def _inbox(waiting: Waiting, now: datetime) -> Iterator[Finding]:
    age = now - waiting.since if waiting.since else timedelta()
    if age > LONG:
        yield (bad if age > TOO_LONG else warn)("inbox-waiting", count=waiting.count, minutes=round(age.total_seconds() / 60))


def _spool(settings: Settings, now: datetime) -> Iterator[Finding]:
    """The files are named by when they were written."""
    names = sorted(path.name for path in (settings.data / "spool").glob("*.sealed"))
    if not names:
        yield ok("spool")
        return
    began = names[0].partition("-")[0]
    age = now - datetime.fromtimestamp(int(began) / 1e9, UTC) if began.isdigit() else timedelta()
    yield (bad if age > TOO_LONG else warn)("spool-waiting", count=len(names), minutes=round(age.total_seconds() / 60))


def _content(settings: Settings, words: Words, now: datetime) -> Iterator[Finding]:
    subject, problems = read_subject(settings.content.absolute(), load_gazetteer().counties, words, now.astimezone(LOCAL_TIME).date())
    if not subject.library.questions:
        yield bad("content-none", path=settings.content)
        return
    problems = [*problems, *problems_of(subject)]
    errors = len(errors_among(problems))
    values = {"pages": len(subject.library.pages), "contacts": len(subject.rows), "errors": errors, "others": len(problems) - errors}
    yield bad("content-errors", **values) if errors else ok("content", **values)
    yield ok("model") if model_path(learning_hash(subject.library.finished), settings.data / "cache").exists() else warn("model-missing")
