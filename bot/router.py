"""The switchboard: stages asked in order, the first that takes the message wins. Crisis is asked first, always."""

import importlib
import pkgutil
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from types import ModuleType
from typing import cast

import handlers
from bot.intents import Room
from bot.understanding.alert_orders import alerts_nowhere, alerts_order
from bot.understanding.commands import CARRIER_START, DELETE, NO, YES, command, map_asked
from bot.understanding.normalise import folded
from bot.understanding.topics import Decision
from bot.understanding.understander import Understanding

ANY_PAGE = "*"
# Orders that are honoured whatever the content holds, also when the file of their words is lost or broken.
PROMISED = frozenset({"stop", "privacy"})
# A shelter for people that takes pets, as against the animal shelter.
_TAKES_PETS = re.compile(
    r"\b(which|what|wat|any|open|friendly|que|q|k|cual|algun|hay) (un )?(shelters?|refugios?|albergues?)\b(?! de )"
    r"|(?<!animal )(?<!pet )(?<!to )\b(shelters?|refugios?|albergues?) ((that |which |who |que )?(tak|accept|allow|let|welcom|acept|recib|admit|permit|dej)|for |with |para |con )"
)


class Stage(StrEnum):
    CRISIS = "crisis"
    SILENCE = "silence"
    COMMAND = "command"
    WAITING = "waiting"
    TOPIC = "topic"
    NO_PLACE = "no-place"
    CLARIFY = "clarify"
    NONE = "none"
    OUTSIDE = "outside"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the stages look at: the message as understood, and what the conversation is in the middle of."""

    text: str
    understood: Understanding
    chosen: str | None = None
    waiting_for: str | None = None
    stray_number: bool = False
    offered: bool = False
    opted_out: bool = False
    located: bool = False
    outside: bool = False


def _crisis(asked: Asked) -> str | None:
    return asked.understood.intent if asked.understood.decision is Decision.CRISIS else None


def _silence(asked: Asked) -> str | None:
    """After STOP nothing is answered but START and DELETE (and, before this stage, a crisis)."""
    said = folded(asked.text)
    erasing = said in DELETE or (asked.waiting_for == "privacy" and said in YES)
    if not asked.opted_out or asked.understood.intent == "start" or said in CARRIER_START or erasing:
        return None
    return "silence"


def _outside(asked: Asked) -> str | None:
    """A place that is not North Carolina's: the room that does not know says so."""
    return "none" if asked.outside and asked.waiting_for != "feedback" else None


def _command(asked: Asked) -> str | None:
    if asked.chosen and asked.chosen != "county":
        return asked.chosen
    said = folded(asked.text)
    if asked.opted_out and said in CARRIER_START:
        return "start"
    if asked.waiting_for == "privacy" and (said in DELETE or said in YES):
        return "privacy"
    if said in NO:
        return "no"
    if map_asked(asked.text) is not None:
        return "map"
    if asked.stray_number and asked.waiting_for != "feedback":
        return "clarify" if asked.offered else "menu"
    if alerts := _alerts(asked):
        return alerts
    if (order := command(asked.text)) in PROMISED:
        return order
    return asked.understood.intent if asked.understood.ordered else None


def _alerts(asked: Asked) -> str | None:
    """An order about alerts. 'Alert me when the power is back' is a question."""
    guess = asked.understood.intent if asked.understood.decision is Decision.ANSWER and asked.waiting_for != "feedback" else ""
    found = asked.understood.found
    return alerts_order(found.without(asked.text), guess, placed=bool(found.county or found.options))


def _waiting(asked: Asked) -> str | None:
    """A place alone answers the question that is open; after 'what was wrong?' any words are the feedback."""
    if asked.waiting_for == "feedback" and asked.understood.decision is not Decision.CRISIS:
        return "feedback"
    placed = asked.chosen == "county" or asked.located or asked.understood.only_a_place
    if placed and asked.waiting_for not in (None, "privacy", "none"):
        return asked.waiting_for
    return "county" if placed else None


def _topic(asked: Asked) -> str | None:
    if asked.understood.decision is not Decision.ANSWER:
        return None
    return "shelter" if asked.understood.intent == "pets" and _TAKES_PETS.search(folded(asked.text)) else asked.understood.intent


def _no_place(asked: Asked) -> str | None:
    """ALERTS and something that is no place we know."""
    return "alerts-where" if alerts_nowhere(asked.text) else None


def _clarify(asked: Asked) -> str | None:
    return "clarify" if asked.understood.decision is Decision.CLARIFY else None


STAGES: tuple[tuple[Stage, Callable[[Asked], str | None]], ...] = (
    (Stage.CRISIS, _crisis),
    (Stage.SILENCE, _silence),
    (Stage.OUTSIDE, _outside),
    (Stage.COMMAND, _command),
    (Stage.WAITING, _waiting),
    (Stage.TOPIC, _topic),
    (Stage.NO_PLACE, _no_place),
    (Stage.CLARIFY, _clarify),
)


def route(asked: Asked) -> tuple[Stage, str]:
    """The stage that takes a message, and the intent that answers it."""
    for stage, ask in STAGES:
        if intent := ask(asked):
            return stage, intent
    return Stage.NONE, "none"


class Rooms:
    """All rooms by the intents they answer."""

    def __init__(self, modules: Iterable[ModuleType]) -> None:
        rooms = [cast(Room, module) for module in modules]
        self._by_intent = {intent: room for room in rooms for intent in room.INTENTS}

    def of(self, intent: str) -> Room:
        """The room of an intent; pages share one."""
        return self._by_intent.get(intent) or self._by_intent[ANY_PAGE]


def discover_rooms() -> Rooms:
    """Every file of handlers/. A file is named after what it answers."""
    return Rooms(importlib.import_module(f"handlers.{info.name}") for info in pkgutil.iter_modules(handlers.__path__))
