"""The contract of a room: `INTENTS` it answers, and `answer(turn, kit)`. A room knows no channel and changes nothing itself."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from bot.directory.directory import Directory
from bot.directory.references import fill
from bot.directory.shelters import Point, Shelter, ShelterList
from bot.geo.tables import Gazetteer, Meaning
from bot.geo.text import Found
from bot.library.pages import Library
from bot.messages import Choice, Effects, Language, Reply
from bot.understanding.topics import Scored
from bot.wording.catalog import Words

ASK_VOLUNTEER = "#human:ask"


@dataclass(frozen=True, kw_only=True)
class Turn:
    """What was said, as far as it was understood, and what is remembered of who said it."""

    language: Language
    intent: str
    text: str = field(default="", repr=False)
    county: str | None = None
    found: Found = field(default_factory=Found)
    point: Point | None = field(default=None, repr=False)  # where the person is, as near as this message says
    alternatives: tuple[Scored, ...] = ()
    waiting_for: str | None = None
    rest: str = field(default="", repr=False)
    carrier_answers: bool = False
    outside: bool = False
    media: bool = False
    alerts: tuple[str, ...] = ()  # the counties whose alerts the person gets
    can_be_told: bool | None = False  # whether Faro can write first where this came from; None: there it can, but not to this number
    volunteers: bool = False  # whether this person could be handed to a volunteer now
    offered: tuple[Choice, ...] = ()  # what was on offer when a number was sent that is none of it


@dataclass(frozen=True, kw_only=True)
class Kit:
    """What a room looks things up in: one reading of the content, and this moment."""

    library: Library
    directory: Directory
    gazetteer: Gazetteer
    words: Words
    now: datetime
    board: Callable[[tuple[Shelter, ...]], ShelterList] | None = field(default=None, repr=False)

    @property
    def shelters(self) -> ShelterList:
        """The shelters of all sources; without a board only what volunteers typed."""
        rows = self.directory.shelters()
        return self.board(rows) if self.board else ShelterList(rows, self.gazetteer)

    def say(self, key: str, language: Language, /, **values: object) -> str:
        """A sentence of the catalogs, with its values and its contact numbers put in."""
        return fill(self.words.say(key, language, **values), self.directory, language)

    def title(self, intent: str, language: Language) -> str:
        """What an intent is called in a list of choices: its page's title, else the catalogs' name for it."""
        key = f"intent.{intent}"
        if key in self.words.keys(language):
            return self.words.say(key, language)
        return self.library.title(intent, language) or intent

    def true_anywhere(self, intent: str) -> bool:
        """Whether an intent has an answer that does not end at the State's line: how to cope."""
        page = self.library.page(intent, "en")
        return page is not None and page.section == "coping"

    def page(self, intent: str, language: Language) -> "ReadyPage | None":
        """A page with its numbers put in; None when the library has none of that id."""
        page = self.library.page(intent, language)
        if page is None:
            return None
        short, body = (fill(text, self.directory, language).strip() for text in (page.front.sms, page.text))
        return ReadyPage(title=page.front.title, sms=" ".join(short.split()), body=body, directory=page.front.directory)


@dataclass(frozen=True, kw_only=True)
class ReadyPage:
    """A page as it can be told: numbers in, nothing left to look up."""

    title: str
    sms: str
    body: str
    directory: tuple[str, ...]


def volunteer(turn: Turn, kit: Kit) -> tuple[Choice, ...]:
    """What is offered beside 211 while a volunteer is on duty."""
    return (Choice(label=kit.say("human.offer", turn.language), says=ASK_VOLUNTEER),) if turn.volunteers else ()


def ask_county(turn: Turn, kit: Kit, *, waiting_for: str, lead: str = "") -> Reply:
    """'Which county?': open, or among the counties that a named place may lie in. The answer goes to `waiting_for`."""
    if turn.found.options:
        place = turn.found.place or ""
        question = kit.say("ask.which_county", turn.language, place=place)
        choices = tuple(Choice(label=_option(m, kit, turn.language), says=f"#county:{m.county}{f'@{turn.found.zip}' if turn.found.zip else ''}") for m in turn.found.options[:5])
    else:
        question, choices = kit.say("ask.county", turn.language), ()
    return Reply(
        language=turn.language,
        intent=waiting_for,
        short=f"{lead} {question}".strip(),
        choices=choices,
        ask_location=not choices,
        effects=Effects(waiting_for=waiting_for),
    )


def _option(meaning: Meaning, kit: Kit, language: Language) -> str:
    if meaning.kind in ("county", "zip"):
        return kit.say("choice.county", language, county=meaning.county)
    return kit.say("choice.town_in", language, town=meaning.name, county=meaning.county)


class Room(Protocol):
    """One file of handlers/."""

    INTENTS: tuple[str, ...]

    async def answer(self, turn: Turn, kit: Kit) -> Reply: ...
