"""What Faro's answers cost by SMS, as a resident gets them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from statistics import median

from bot.geo.text import Found
from bot.intents import Kit, Turn
from bot.messages import LANGUAGES, LOCAL_TIME, Language
from bot.router import Rooms
from bot.wording.fitting import Style, fit
from bot.wording.gsm7 import encoding, segments, units

BY_COUNTY = ("shelter", "support-group", "coalition")
# A quiet day whose next gathering has the longest date: the table must not change with the calendar.
A_DAY = datetime(2026, 9, 1, 12, 0, tzinfo=LOCAL_TIME)


@dataclass(frozen=True, kw_only=True)
class Sent:
    """One answer as it is sent, its first message first. `county` is None where the answer is the same everywhere."""

    language: Language
    intent: str
    county: str | None
    texts: tuple[str, ...] = field(repr=False)

    @property
    def text(self) -> str:
        return self.texts[0]

    @property
    def segments(self) -> int:
        return sum(segments(text)[1] for text in self.texts)


async def all_sent(kit: Kit, rooms: Rooms) -> list[Sent]:
    """Every answer that needs no county, then those of the hundred counties, in both languages."""
    asked: list[tuple[str, str | None]] = [(intent, None) for intent in kit.library.intents if intent not in BY_COUNTY]
    asked += [(intent, county) for intent in BY_COUNTY for county in kit.gazetteer.counties]
    return [await _sent(Turn(language=language, intent=intent, county=county, found=Found(county=county)), kit, rooms) for intent, county in asked for language in LANGUAGES]


async def _sent(turn: Turn, kit: Kit, rooms: Rooms) -> Sent:
    reply = await rooms.of(turn.intent).answer(turn, kit)
    return Sent(language=turn.language, intent=turn.intent, county=turn.county, texts=fit(reply, Style.SMS, kit.words).texts)


def cost_table(sent: list[Sent]) -> str:
    """What each answer costs, in Markdown."""
    return "\n".join([*_everywhere(sent), "", *_by_county(sent), "", *_medians(sent)]) + "\n"


def _everywhere(sent: list[Sent]) -> Iterator[str]:
    yield from ("| Answer | Language | Segments | Encoding | Units |", "|---|---|---|---|---|")
    for one in sent:
        if one.county is None:
            kind = encoding(one.text)
            yield f"| {one.intent} | {one.language} | {one.segments} | {kind} | {sum(units(text, kind) for text in one.texts)} |"


def _by_county(sent: list[Sent]) -> Iterator[str]:
    yield from ("| Answer, over all counties | Language | Least | Median | Most |", "|---|---|---|---|---|")
    for intent in BY_COUNTY:
        for language in LANGUAGES:
            counts = [one.segments for one in sent if one.intent == intent and one.language == language]
            yield f"| {intent} | {language} | {min(counts)} | {median(counts):g} | {max(counts)} |"


def _medians(sent: list[Sent]) -> Iterator[str]:
    yield from ("| All answers | Median of segments |", "|---|---|")
    for language in LANGUAGES:
        yield f"| {language} | {median(one.segments for one in sent if one.language == language):g} |"
