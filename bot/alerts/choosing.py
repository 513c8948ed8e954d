"""Which alerts of the Weather Service are told, in which words, and which are taken back."""

import csv
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from bot.feeds.nws import SEVERITIES, Alert
from bot.messages import LOCAL_TIME, Language
from bot.store.tables_live import Notice, NoticeState
from bot.wording.catalog import Words

KIND: Final = "alert"
URGENT: Final = frozenset({"Immediate", "Expected"})
TOLD: Final = frozenset({"Alert", "Update"})


@dataclass(frozen=True, kw_only=True)
class Choice:
    """From which severity on, and how urgent, an alert is told."""

    least: str = "Severe"

    def tells(self, alert: Alert, now: datetime) -> bool:
        """Real ones only, severe and urgent enough, not over yet."""
        severe = alert.severity in SEVERITIES and SEVERITIES.index(alert.severity) >= SEVERITIES.index(self.least)
        return alert.status == "Actual" and alert.type in TOLD and not alert.cancelled and severe and alert.urgency in URGENT and alert.until > now


@dataclass(frozen=True, kw_only=True)
class EventWords:
    """What an event is called, and the one thing to do, in both languages."""

    en: str
    es: str
    do_en: str
    do_es: str


def read_events(path: Path) -> dict[str, EventWords]:
    """The table that volunteers keep (content/alerts/events.csv), by the Service's own name of the event."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return {row["event"]: EventWords(en=row["event"], es=row["es"], do_en=row["do_en"], do_es=row["do_es"]) for row in csv.DictReader(file) if row.get("es")}


def grave(alert: Alert) -> bool:
    """What may wake people."""
    return alert.severity == "Extreme" or (alert.severity == "Severe" and alert.urgency == "Immediate")


def rank(alert: Alert) -> int:
    """What goes before what: 0 for the extreme that is here now, then the extreme that is expected, then the less severe likewise."""
    return 2 * (len(SEVERITIES) - 1 - SEVERITIES.index(alert.severity)) + (alert.urgency != "Immediate")


def notice_id(alert_id: str, county: str) -> str:
    return hashlib.sha256(f"{alert_id}|{county}".encode()).hexdigest()[:40]


def notices(alert: Alert, event: str, counties: Sequence[str], events: dict[str, EventWords], words: Words, now: datetime) -> list[Notice]:
    """One notice for each county. An event without words of ours is told by the Service's own name in English, and in general words in Spanish."""

    def told(county: str, language: Language) -> str:
        known = events.get(alert.event)
        name = (known.es if language == "es" else known.en) if known else alert.event if language == "en" else words.say("alerts.some_event", language)
        do = (known.do_es if language == "es" else known.do_en) if known else words.say("alerts.do_something", language)
        until = words.until(alert.until.astimezone(LOCAL_TIME), now.astimezone(LOCAL_TIME), language).removesuffix(".")  # 'p.m.' and the sentence share a point
        return words.say("alerts.notice", language, event=name, county=county, until=until, do=do)

    return [
        Notice(
            id=notice_id(alert.id, county),
            event=f"{event}|{county}",
            kind=KIND,
            counties=[county],
            en=told(county, "en"),
            es=told(county, "es"),
            life_safety=grave(alert),
            rank=rank(alert),
            expires_at=alert.until,
            state=NoticeState.SENDING,
            made_by="nws",
            made_at=now,
        )
        for county in counties
    ]
