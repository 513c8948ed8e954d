"""Numbers: how much Faro is asked, what about, and how it goes. Counts only, never a text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from starlette.responses import Response
from starlette.routing import Route

from bot.report import LEAST, Count, Counts, day_of, figures
from bot.studio.door import Desk, Studio, Visit

SPANS = (7, 30, 90)
USUAL_SPAN = 30
# In the units of the chart's own picture, which is as wide as a phone: the text in it stays readable there.
WIDTH, HEIGHT = 340, 120


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One bar: its name, its count, and how long it is drawn. `beside` is the count that stands behind it in the same row."""

    name: str
    count: Count
    length: int
    beside: Count = 0
    beside_length: int = 0


@dataclass(frozen=True, kw_only=True)
class Chart:
    """One picture and its table."""

    key: str
    bars: Sequence[Bar]
    upright: bool = False
    two: bool = False

    @property
    def most(self) -> int:
        return max((bar.count or 0 for bar in self.bars), default=0)

    @property
    def drawn(self) -> Sequence[Bar]:
        """What may be told and is there."""
        return [bar for bar in self.bars if bar.count or bar.beside] if not self.upright else self.bars


def routes(studio: Studio) -> Sequence[Route]:
    desk = studio.desk

    async def numbers(visit: Visit) -> Response:
        asked = visit.request.query_params.get("days", "")
        span = int(asked) if asked in map(str, SPANS) else USUAL_SPAN
        today = day_of(desk.clock())
        since = today - timedelta(days=span - 1)
        f = figures(await desk.store.tallies(since), await desk.store.ratings(), since=since, until=today)
        titles = _titles(desk, visit, {*f.topics, *f.useful})
        days = {desk.words.day(date.fromisoformat(day), visit.language): count for day, count in f.days.items()}
        charts = [
            chart("days", days, upright=True),
            chart("handling", _said(desk, visit, "handling", f.handlings)),
            chart("topic", {titles[i]: n for i, n in f.topics.items()}),
            chart("useful", {titles[i]: n for i, n in f.useful.items()}, beside={titles[i]: n for i, n in f.not_useful.items()}),
            chart("language", _said(desk, visit, "language", f.languages)),
            chart("channel", _said(desk, visit, "channel", f.channels)),
            chart("county", f.counties),
        ]
        few = desk.words.say("studio.numbers.few", visit.language, least=LEAST)
        return studio.show("numbers.html", visit, charts=charts, span=span, spans=SPANS, messages=f.messages, few=few, width=WIDTH, height=HEIGHT)

    return (studio.route("/studio/numbers", numbers),)


def chart(key: str, counts: Counts, *, beside: Counts | None = None, upright: bool = False) -> Chart:
    """Bars in proportion to the longest; a count that is not told has none."""
    behind = beside or {}
    top = max(((n or 0) + (behind.get(name) or 0) for name, n in counts.items()), default=0) or 1
    # Beside a lying bar its number wants room.
    room = HEIGHT if upright else WIDTH - 70

    def length(count: Count) -> int:
        return max(1, round((count or 0) / top * room)) if count else 0

    bars = [Bar(name=name, count=n, length=length(n), beside=behind.get(name, 0), beside_length=length(behind.get(name, 0))) for name, n in counts.items()]
    return Chart(key=key, bars=bars, upright=upright, two=beside is not None)


def _titles(desk: Desk, visit: Visit, intents: set[str]) -> Mapping[str, str]:
    kit = desk.content.live.mind.kit(desk.clock())
    return {intent: kit.title(intent, visit.language) for intent in intents}


def _said(desk: Desk, visit: Visit, kind: str, counts: Counts) -> Counts:
    """Counts under their names in the volunteer's language."""
    return {desk.words.say(f"studio.numbers.{kind}.{name}", visit.language): count for name, count in counts.items()}
