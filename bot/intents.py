"""The contract of a room: `INTENTS` it answers, and `answer(turn, kit)`. A room knows no channel and changes nothing itself."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from bot.directory.directory import Directory
from bot.directory.references import fill
from bot.geo.tables import Gazetteer, Meaning
from bot.geo.text import Found
from bot.library.pages import Library
from bot.messages import Choice, Effects, Language, Reply
from bot.understanding.topics import Scored
from bot.wording.catalog import Words


@dataclass(frozen=True, kw_only=True)
class Turn:
    """What was said, as far as it was understood, and what is remembered of who said it."""

    language: Language
    intent: str
    text: str = field(default="", repr=False)
    county: str | None = None
    found: Found = field(default_factory=Found)
    alternatives: tuple[Scored, ...] = ()
    waiting_for: str | None = None
    rest: str = field(default="", repr=False)
    carrier_answers: bool = False
    outside: bool = False
    media: bool = False


@dataclass(frozen=True, kw_only=True)
class Kit:
    """What a room looks things up in: one reading of the content, and this moment."""

    library: Library
    directory: Directory
    gazetteer: Gazetteer
    words: Words
    now: datetime

    def say(self, key: str, language: Language, /, **values: object) -> str:
        """A sentence of the catalogs, with its values and its contact numbers put in."""
        return fill(self.words.say(key, language, **values), self.directory, language)

    def title(self, intent: str, language: Language) -> str:
        """What an intent is called in a list of choices: its page's title, else the catalogs' name for it."""
        key = f"intent.{intent}"
        if key in self.words.keys(language):
            return self.words.say(key, language)
        return self.library.title(intent, language) or intent

    def page(self, intent: str, language: Language) -> "ReadyPage | None":
        """A page with its numbers put in; None when the library has none of that id."""
        page = self.library.page(intent, language)
        if page is None:
            return None
        short, body = (fill(text.strip(), self.directory, language) for text in (page.front.sms, page.text))
        return ReadyPage(title=page.front.title, sms=" ".join(short.split()), body=body, directory=page.front.directory)


@dataclass(frozen=True, kw_only=True)
class ReadyPage:
    """A page as it can be told: numbers in, nothing left to look up."""

    title: str
    sms: str
    body: str
    directory: tuple[str, ...]


def ask_county(turn: Turn, kit: Kit, *, waiting_for: str, lead: str = "") -> Reply:
    """'Which county?': open, or among the counties that a named place may lie in. The answer goes to `waiting_for`."""
    if turn.found.options:
        place = turn.found.place or ""
        question = kit.say("ask.which_county", turn.language, place=place)
        choices = tuple(Choice(label=_option(m, kit, turn.language), says=f"#county:{m.county}") for m in turn.found.options[:5])
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
