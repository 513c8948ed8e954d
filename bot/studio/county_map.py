"""Map: what each county has, and what a resident there is told, word for word."""

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlencode

from starlette.responses import Response
from starlette.routing import Route

from bot.directory.directory import Directory
from bot.directory.rows import Row, collect_rows
from bot.directory.shelters import ShelterList
from bot.geo.outlines import county_outlines
from bot.geo.tables import Gazetteer
from bot.messages import Language
from bot.preview import preview
from bot.studio.county_picture import COLOURS, SHOWS, Level, Show, drawn, legend_of, levels_of, spots_of, standalone
from bot.studio.door import Studio, Visit, own_first
from bot.wording.catalog import Words

TOLD = ("shelter", "support-group", "coalition", "human")


def routes(studio: Studio) -> Sequence[Route]:
    desk = studio.desk
    outlines = county_outlines()

    async def county_map(visit: Visit) -> Response:
        wanted = visit.request.query_params.get("show", "")
        show = wanted if wanted in SHOWS else SHOWS[0]
        county = desk.gazetteer.county_named(visit.request.query_params.get("county", ""))
        kit = desk.kit()
        levels = levels_of(show, list(desk.gazetteer.counties), kit.directory, collect_rows(desk.content.folder / "contacts")[0], kit.now, kit.shelters)
        spots = spots_of(levels, lambda level: _say(desk.words, level, visit.language), lambda name: f"/studio/map?{urlencode({'show': show, 'county': name})}#told")
        told = [(intent, [(language, await preview(intent, language, kit, desk.rooms, county)) for language in own_first(visit.language)]) for intent in TOLD] if county else []
        legend = [(level, COLOURS[level], sum(spot.level == level for spot in spots)) for level in legend_of(show)]
        picture = drawn(spots, outlines, title=desk.words.say(f"studio.map.show.{show}", visit.language))
        return studio.show("map.html", visit, show=show, shows=SHOWS, picture=picture, legend=legend, county=county, counties=sorted(levels), told=told)

    return (studio.route("/studio/map", county_map),)


def picture_file(show: Show, directory: Directory, rows: Sequence[Row], gazetteer: Gazetteer, words: Words, now: datetime, language: Language = "en") -> str:
    """The map as an SVG file."""
    levels = levels_of(show, list(gazetteer.counties), directory, rows, now, ShelterList(directory.shelters(), gazetteer))
    spots = spots_of(levels, lambda level: _say(words, level, language))
    legend = {level: _say(words, level, language) for level in legend_of(show)}
    return standalone(spots, county_outlines(), title=f"{words.say('studio.map.title', language)}: {words.say(f'studio.map.show.{show}', language)}", legend=legend)


def _say(words: Words, level: Level, language: Language) -> str:
    return words.say(f"studio.map.level.{level}", language)
