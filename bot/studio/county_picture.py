"""What each county has, as a picture: a level for every county, and the SVG that shows it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from html import escape
from typing import Literal, get_args

from bot.directory.directory import Directory
from bot.directory.rows import Row
from bot.directory.shelters import ShelterList
from bot.geo.outlines import HEIGHT, WIDTH

Show = Literal["coalition", "support-group", "shelter", "fresh"]
SHOWS: tuple[Show, ...] = get_args(Show)
Level = Literal["own", "near", "none", "month", "half_year", "older", "never"]
# Best first. One blue from dark to pale, then sand or orange: colour-blind people tell them apart by lightness.
COLOURS: Mapping[Level, str] = {
    "own": "#08519c", "near": "#6baed6", "none": "#f6e8c3",
    "month": "#08519c", "half_year": "#6baed6", "older": "#c6dbef", "never": "#fdae61",
}  # fmt: skip
_MONTH, _HALF_YEAR = timedelta(days=31), timedelta(days=180)


@dataclass(frozen=True, kw_only=True)
class Spot:
    """A county in the picture: its level, what is said of it, and where a click leads."""

    name: str
    level: Level
    label: str
    href: str = ""


def levels_of(show: Show, counties: Sequence[str], directory: Directory, rows: Sequence[Row], now: datetime, shelters: ShelterList) -> dict[str, Level]:
    """The level of each county, by what its residents would be told now."""
    if show == "shelter":
        having = {shelter.county for shelter in shelters.open_now(now)}
        return {county: "own" if county in having else "none" for county in counties}
    if show == "fresh":
        return {county: _freshness([row["checked"] for row in rows if row.county == county and row.trusted], now.date()) for county in counties}
    found: dict[str, Level] = {}
    for county in counties:
        answer = directory.of_county(show, county, "en", now)
        found[county] = "own" if answer.own else "near" if answer.neighbour else "none"
    return found


def legend_of(show: Show) -> tuple[Level, ...]:
    if show == "fresh":
        return ("month", "half_year", "older", "never")
    return ("own", "none") if show == "shelter" else ("own", "near", "none")


def _freshness(days: Sequence[str], today: date) -> Level:
    newest = max((day for text in days if (day := _day(text))), default=None)
    if newest is None:
        return "never"
    age = today - newest
    return "month" if age <= _MONTH else "half_year" if age <= _HALF_YEAR else "older"


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def drawn(spots: Sequence[Spot], outlines: Mapping[str, str], *, title: str) -> str:
    """The map alone, to stand in a page: each county a link that says its name and what it has."""
    return f'<svg class="county-map" viewBox="0 0 {WIDTH} {HEIGHT}" role="group" aria-label="{escape(title)}" stroke="#ffffff" stroke-width="1" stroke-linejoin="round">{"".join(_counties(spots, outlines))}</svg>'


def standalone(spots: Sequence[Spot], outlines: Mapping[str, str], *, title: str, legend: Mapping[Level, str]) -> str:
    """The map as a file of its own: with its title, a legend that counts, and a light ground."""
    top, row = 58, HEIGHT + 92
    entries = []
    for number, (level, text) in enumerate(legend.items()):
        count = sum(spot.level == level for spot in spots)
        left = 20 + (WIDTH - 20) // len(legend) * number
        entries.append(f'<rect x="{left}" y="{row - 15}" width="20" height="20" fill="{COLOURS[level]}" stroke="#555555"/>')
        entries.append(f'<text x="{left + 28}" y="{row}" font-size="15">{escape(text)}: {count}</text>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT + 115}" role="img" font-family="system-ui, sans-serif" fill="#1c1a17"><title>{escape(title)}</title>'
        f'<rect width="{WIDTH}" height="{HEIGHT + 115}" fill="#ffffff"/><text x="20" y="38" font-size="24" font-weight="600">{escape(title)}</text>'
        f'<g transform="translate(0 {top})" stroke="#777777" stroke-width="0.8" stroke-linejoin="round">{"".join(_counties(spots, outlines))}</g>{"".join(entries)}</svg>\n'
    )


def _counties(spots: Sequence[Spot], outlines: Mapping[str, str]) -> Iterator[str]:
    for spot in spots:
        path = f'<path d="{outlines[spot.name]}" fill="{COLOURS[spot.level]}"><title>{escape(spot.label)}</title></path>'
        yield f'<a href="{escape(spot.href)}" aria-label="{escape(spot.label)}">{path}</a>' if spot.href else path


def spots_of(levels: Mapping[str, Level], label: Callable[[Level], str], href: Callable[[str], str] = lambda county: "") -> list[Spot]:
    return [Spot(name=county, level=level, label=f"{county}: {label(level)}", href=href(county)) for county, level in sorted(levels.items())]
