"""The map: all counties, what each has, and what residents there are told."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from bot.cli import app
from bot.directory.directory import Directory
from bot.directory.rows import read_rows
from bot.directory.shelters import ShelterList
from bot.geo.outlines import HEIGHT, WIDTH, county_outlines
from bot.geo.tables import Gazetteer
from bot.settings import Settings
from bot.studio.county_map import picture_file
from bot.studio.county_picture import COLOURS, SHOWS, Level, Show, levels_of
from bot.wording.catalog import Words
from tests.conftest import NOON, Clock
from tests.small_content import write_content
from tests.studio import Workroom, open_studio

HEADER = "id,county,name,name_es,phone,checked,confidence,as_of\n"
TABLES = {
    "coalitions": "c-wake,Wake,Wake <Recovery>,Recuperación de Wake,919-555-0110,2026-12-01,high,\nc-low,Ashe,Not sure,,336-555-0111,2026-12-01,low,\n",
    "shelters": "s-open,Wake,School,Escuela,919-555-0112,2026-07-01,high,2026-12-10 11:00\ns-old,Clay,Church,Iglesia,828-555-0113,2026-01-01,high,2026-12-09 11:00\n",
}


@pytest.fixture
async def room(settings: Settings, words: Words, gazetteer: Gazetteer, learnt: Path, clock: Clock, tmp_path: Path) -> AsyncIterator[Workroom]:
    write_content(tmp_path / "content")
    for name, rows in TABLES.items():
        (tmp_path / "content" / "contacts" / f"{name}.csv").write_text(HEADER + rows, encoding="utf-8")
    async with open_studio(settings, words, gazetteer, tmp_path / "content", learnt, clock) as opened:
        yield opened


def test_every_county_has_an_outline_within_the_picture(gazetteer: Gazetteer) -> None:
    outlines = county_outlines()
    assert set(outlines) == set(gazetteer.counties)
    for outline in outlines.values():
        start, steps = re.fullmatch(r"M(\S+ \S+)l(.+)z", outline).groups()  # type: ignore[union-attr]
        x, y = map(float, start.split())
        numbers = list(map(float, steps.split()))
        for dx, dy in zip(numbers[::2], numbers[1::2], strict=True):
            x, y = x + dx, y + dy
            assert 0 <= x <= WIDTH
            assert 0 <= y <= HEIGHT


@pytest.mark.parametrize(
    ("show", "expected"),
    [
        ("coalition", {"Wake": "own", "Durham": "near", "Ashe": "none", "Clay": "none"}),
        ("support-group", {"Wake": "none"}),
        ("shelter", {"Wake": "own", "Durham": "none", "Clay": "none"}),
        ("fresh", {"Wake": "month", "Clay": "older", "Ashe": "never", "Durham": "never"}),
    ],
)
async def test_the_level_of_a_county(room: Workroom, gazetteer: Gazetteer, show: Show, expected: dict[str, Level]) -> None:
    rows = read_rows(room.folder / "contacts")
    directory = Directory(rows, gazetteer.counties)
    levels = levels_of(show, list(gazetteer.counties), directory, rows, NOON, ShelterList(directory.shelters(), gazetteer))
    assert len(levels) == 100
    assert {county: levels[county] for county in expected} == expected


async def test_the_map_has_a_link_for_each_county(room: Workroom, gazetteer: Gazetteer, words: Words) -> None:
    for show in SHOWS:
        page = (await room.get(f"/studio/map?show={show}", "es")).text
        labels = re.findall(r'<a href="/studio/map\?show=([\w-]+)&amp;county=[\w+]+#told" aria-label="([^":]+): ([^"]+)">', page)
        assert {county for _, county, _ in labels} == set(gazetteer.counties)
        assert {other for other, _, _ in labels} == {show}
        assert words.say(f"studio.map.show.{show}", "es") in page
        assert "style=" not in page
        assert len(page) < 150_000
    assert (await room.get("/studio/map?show=nonsense&county=Nowhere")).status_code == 200


async def test_a_county_shows_what_its_residents_are_told_in_both_languages(room: Workroom, words: Words) -> None:
    page = (await room.get("/studio/map?show=coalition&county=Wake")).text
    assert page.count('class="bubble"') >= 8
    assert "Wake &lt;Recovery&gt;" in page
    assert "Recuperacion de Wake" in page
    assert "Parts: 1 · characters: " in page
    assert words.say("studio.sms.part", "en") in page
    spanish = (await room.get("/studio/map?show=coalition&county=Wake", "es")).text
    assert spanish.index('<div lang="es">') < spanish.index('<div lang="en">')


async def test_a_county_without_groups_shows_what_is_told_there(room: Workroom, words: Words) -> None:
    page = (await room.get("/studio/map?show=support-group&county=Ashe")).text
    for language, lang in (("en", "en"), ("es", "es")):
        said = words.say("group.none", language, county="Ashe", line="211")  # type: ignore[arg-type]
        section = page.split('id="told-support-group"')[1].split("</section>")[0]
        assert f'<div lang="{lang}">' in section
        assert said.split("{")[0][:30].translate(str.maketrans("áíóú", "aiou")) in section


def test_colours_differ_in_lightness_not_only_in_hue() -> None:
    def lightness(level: Level) -> float:
        red, green, blue = (int(COLOURS[level][i : i + 2], 16) / 255 for i in (1, 3, 5))
        return float(0.2126 * red**2.2 + 0.7152 * green**2.2 + 0.0722 * blue**2.2)

    for levels in (("own", "near", "none"), ("month", "half_year", "older")):
        shades = [lightness(level) for level in levels]
        assert all((b + 0.05) / (a + 0.05) > 1.5 for a, b in pairwise(shades)), levels


def test_the_picture_stands_alone(gazetteer: Gazetteer, words: Words, tmp_path: Path) -> None:
    (tmp_path / "coalitions.csv").write_text(HEADER + TABLES["coalitions"], encoding="utf-8")
    rows = read_rows(tmp_path)
    svg = picture_file("coalition", Directory(rows, gazetteer.counties), rows, gazetteer, words, datetime(2026, 12, 10, tzinfo=UTC))
    root = ElementTree.fromstring(svg)
    labels = {path[0].text or "" for path in root.iter("{http://www.w3.org/2000/svg}path")}
    assert {label.split(":")[0] for label in labels} == set(gazetteer.counties)
    assert f"Wake: {words.say('studio.map.level.own', 'en')}" in labels
    assert f"{words.say('studio.map.level.own', 'en')}: 1<" in svg
    assert 'fill="#ffffff"' in svg
    assert len(svg.encode()) < 150_000


def test_the_command_prints_the_picture() -> None:
    done = CliRunner().invoke(app, ["map", "--show", "fresh"])
    assert done.exit_code == 0
    assert done.stdout.count("<path") == 100
    assert CliRunner().invoke(app, ["map", "--show", "weather"]).exit_code != 0
