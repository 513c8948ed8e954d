"""Where to sleep tonight, as residents are told it: the open ones near them, nothing that is closed, full, hidden or old. And how coordinators open and close them."""

import asyncio
import json
import re
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bot.app import Faro, compose, openings_of
from bot.cli import app
from bot.directory.shelters import AHEAD, FRESH_FOR, Found, Pets, Shelter, ShelterList, Status, direction
from bot.errors import CannotDo, NoShelter
from bot.feeds.openings import Opening, number_of
from bot.feeds.shelters import CLOSED_HOLDS, REFRESH, ShelterBoard
from bot.feeds.telling import told_done
from bot.geo.tables import Gazetteer
from bot.messages import LANGUAGES, Channel, Inbound, Language, Location
from bot.operations import feeds_found
from bot.settings import Settings
from bot.store.facts import Facts
from bot.store.feeds import Kept
from bot.wording.catalog import Words
from bot.wording.gsm7 import encoding, first_segment
from bot.wording.maps import map_link
from tests.conftest import NOON, Clock
from tests.doors import PUBLIC_URL, open_house, serving
from tests.fake_telegram import TOKEN, FakeTelegram
from tests.small_content import write_content
from tests.studio import open_studio
from tests.test_telegram_door import SECRET, deliver, press, update

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
MARION, NEBO, ASHEVILLE = (35.684, -82.009), (35.716, -81.93), (35.595, -82.551)
ASKED: Mapping[Language, str] = {"en": "shelter in mcdowell county", "es": "refugio en el condado de mcdowell"}
ids = count(1)


def shelter(**changes: Any) -> Shelter:
    facts = {
        "id": "1",
        "source": "fema",
        "name": "Example High School",
        "county": "McDowell",
        "status": Status.OPEN,
        "as_of": NOON,
        "address": "12 Example Street",
        "city": "Marion",
        "zip": "28752",
        "point": MARION,
    }
    return Shelter(**{**facts, **changes})


NEBO_HALL = shelter(id="2", name="Nebo Example Hall", address="9 Example Road", city="Nebo", zip="28761", point=NEBO, pets=Pets.NO, wheelchair=False)
GYM = shelter(id="3", name="Example Gym", county="Buncombe", address="5 Example Avenue", city="Asheville", zip="28801", point=ASHEVILLE, pets=Pets.WITH_PEOPLE, wheelchair=True)


async def listed(faro: Faro, *shelters: Shelter, feed: str = "fema") -> None:
    """What a feed said, as the poller keeps it, and read by this Faro."""
    items = [
        {
            "shelter": {
                "id": s.id,
                "source": s.source,
                "name": s.name,
                "county": s.county,
                "status": s.status,
                "as_of": s.as_of.isoformat(),
                "address": s.address,
                "city": s.city,
                "zip": s.zip,
                "phone": s.phone,
                "point": s.point,
                "pets": s.pets,
                "wheelchair": s.wheelchair,
            },
            "hidden": False,
        }
        for s in shelters
    ]
    await faro.feeds.keep(Kept(name=feed, asked_at=faro.clock(), good_at=faro.clock(), items=json.dumps(items)))
    await faro.board.refresh()


async def says(faro: Faro, text: str, *, who: str = "+19195550142", channel: Channel = Channel.SMS, **more: Any) -> str:
    answer = await faro.conversation.answer(Inbound(channel=channel, sender=who, message_id=f"m{next(ids)}", text=text, **more))
    return "\n".join(answer.texts)


def found(gazetteer: Gazetteer, *shelters: Shelter, **more: Any) -> Found:
    return ShelterList(shelters, gazetteer).find("McDowell", NOON, **more)


def names(near: Found) -> list[str]:
    return [n.shelter.name for n in (near.here or near.elsewhere)]


@pytest.mark.parametrize("status", [s for s in Status if s is not Status.OPEN])
def test_nothing_but_an_open_one_is_told(gazetteer: Gazetteer, status: Status) -> None:
    assert found(gazetteer, shelter(status=status)) == Found()
    assert ShelterList([shelter(status=status)], gazetteer).open_now(NOON) == []


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"as_of": NOON - FRESH_FOR + MINUTE}, True),
        ({"as_of": NOON - FRESH_FOR}, False),
        ({"as_of": NOON + AHEAD}, True),
        ({"as_of": NOON + AHEAD + MINUTE}, False),
        ({"until": NOON + MINUTE}, True),
        ({"until": NOON}, False),
        ({"since": NOON}, True),
        ({"since": NOON + MINUTE}, False),
    ],
)
def test_one_is_told_while_it_is_known_to_be_open(gazetteer: Gazetteer, changes: dict[str, Any], told: bool) -> None:
    assert bool(found(gazetteer, shelter(**changes)).here) is told
    assert bool(ShelterList([shelter(**changes)], gazetteer).open_now(NOON)) is told


def test_the_nearest_come_first_and_three_at_most(gazetteer: Gazetteer) -> None:
    more = [shelter(id=str(n), name=f"Hall {n}", point=(35.9, -82.0)) for n in range(10, 14)]
    assert names(found(gazetteer, *more, NEBO_HALL, shelter(), point=MARION))[:2] == ["Example High School", "Nebo Example Hall"]
    assert names(found(gazetteer, shelter(), NEBO_HALL, *more, point=NEBO))[:2] == ["Nebo Example Hall", "Example High School"]
    assert len(found(gazetteer, *more).here) == 3


def test_a_county_without_any_names_the_nearest_elsewhere(gazetteer: Gazetteer) -> None:
    far = shelter(id="4", name="Coast Hall", county="Dare", point=(35.9, -75.6))
    near = found(gazetteer, far, GYM, point=MARION)
    assert (near.here, names(near)) == ((), ["Example Gym", "Coast Hall"])
    assert near.elsewhere[0].distance == pytest.approx(31, abs=1)
    assert near.elsewhere[0].direction == "W"
    assert names(found(gazetteer, shelter(county="Yancey", point=None, zip=""))) == ["Example High School"]


@pytest.mark.parametrize(
    ("to", "said"), [((36.0, -80.0), "N"), ((35.6, -79.5), "NE"), ((35.0, -79.0), "E"), ((34.0, -80.0), "S"), ((34.5, -80.6), "SW"), ((35.0, -81.0), "W"), ((35.4, -80.5), "NW"), ((34.6, -79.5), "SE")]
)
def test_a_direction_is_that_of_a_compass(to: tuple[float, float], said: str) -> None:
    assert direction((35.0, -80.0), to) == said


@pytest.mark.parametrize(
    ("language", "holds"),
    [
        (
            "en",
            (
                "Open shelters in McDowell County:",
                "1. Nebo Example Hall 9 Example Road, Nebo. 6 miles E. No pets. No wheelchair access. As of 12:00 PM.",
                "2. Example High School 12 Example Street, Marion 828-555-0140. 8 miles SW. Pets stay with you. Wheelchair access.",
                "MAP 1",
            ),
        ),
        (
            "es",
            (
                "Refugios abiertos en el condado de McDowell:",
                "1. Nebo Example Hall 9 Example Road, Nebo. 6 millas al este. Sin mascotas. Sin acceso en silla de ruedas. Dato: 12:00 p.m.",
                "8 millas al suroeste. Mascotas con usted. Acceso en silla de ruedas.",
                "MAPA 1",
            ),
        ),
    ],
)
async def test_a_resident_reads_who_where_and_when(faro: Faro, language: Language, holds: tuple[str, ...]) -> None:
    await listed(faro, NEBO_HALL, shelter(name="Example High School", phone="828-555-0140", pets=Pets.WITH_PEOPLE, wheelchair=True, point=(35.60, -82.1)))
    told = await says(faro, f"{ASKED[language]} 28752", channel=Channel.CONSOLE)
    assert not [one for one in holds if one not in told.replace("\u202f", " ").replace("\xa0", " ")], told


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_first_sms_part_names_the_first_shelter_whole(faro: Faro, language: Language) -> None:
    await listed(faro, shelter(phone="828-555-0140", pets=Pets.WITH_PEOPLE, wheelchair=True), NEBO_HALL, GYM)
    told = await says(faro, ASKED[language])
    assert encoding(told) == "GSM-7"
    assert "1. Example High School 12 Example Street, Marion 828-555-0140" in first_segment(told)
    await listed(faro, GYM)
    assert "1. Example Gym 5 Example Avenue, Asheville" in first_segment(await says(faro, ASKED[language]))


async def test_where_none_is_open_the_nearest_elsewhere_come_with_distance_and_direction(faro: Faro) -> None:
    await listed(faro, GYM, shelter(status=Status.FULL))
    told = await says(faro, "shelter in marion", channel=Channel.CONSOLE)
    assert "I know of no open shelter in McDowell County" in told
    assert "Buncombe County, 31 miles W" in told
    assert "Example High School" not in told
    assert "condado de Buncombe, 31 millas al oeste" in await says(faro, "refugio en marion", channel=Channel.CONSOLE, who="+19195550143")


async def test_a_location_puts_the_nearest_first(faro: Faro) -> None:
    await listed(faro, shelter(), NEBO_HALL)
    await says(faro, "shelter")
    told = await says(faro, "", location=Location(latitude=NEBO[0], longitude=NEBO[1]))
    assert told.index("Nebo Example Hall") < told.index("Example High School")
    other = await says(faro, "shelter", location=Location(latitude=MARION[0], longitude=MARION[1]), who="+19195550143")
    assert other.index("Example High School") < other.index("Nebo Example Hall")


async def test_a_zip_and_a_town_put_the_nearest_first(faro: Faro) -> None:
    await listed(faro, shelter(), NEBO_HALL)
    assert "1. Nebo" in await says(faro, "shelter 28761") + await says(faro, "1")  # a ZIP code of two counties
    for asked, first in (("shelter 28752", "1. Example"), ("shelter in marion", "1. Example")):
        assert first in await says(faro, asked, who=f"+1919555{next(ids):04d}"), asked


@pytest.mark.parametrize(("language", "said"), [("en", "my list of shelters is old"), ("es", "mi lista de refugios es vieja")])
async def test_an_old_list_is_called_old_with_the_living_ways(faro: Faro, clock: Clock, language: Language, said: str) -> None:
    await listed(faro, shelter())
    clock.moment += 13 * HOUR
    told = await says(faro, ASKED[language])
    assert "Example" not in told
    assert said in told
    assert "43362" in told
    assert "211" in told


@pytest.mark.parametrize(("language", "said"), [("en", "my list of shelters is old, so I name none there"), ("es", "mi lista de refugios es vieja y ahi no le nombro ninguno")])
@pytest.mark.parametrize("listed_here", [True, False])
async def test_an_old_list_is_called_old_though_a_coordinator_opened_one_elsewhere(faro: Faro, clock: Clock, language: Language, said: str, listed_here: bool) -> None:
    await listed(faro, *([shelter()] if listed_here else []))
    clock.moment += 13 * HOUR
    await openings_of(faro).open(Opening(name="Owen Gym", county="Buncombe"), "Ana")
    told = await says(faro, ASKED[language])
    assert said in told
    assert "Owen Gym" in told
    assert "211" in told
    assert "Example" not in told
    await listed(faro)
    assert said not in await says(faro, ASKED[language]), "read anew"


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_list_by_sms_is_of_whole_items_with_the_211_line(faro: Faro, language: Language) -> None:
    far = [
        replace(GYM, id=n, name=f"Example {n} Community Center of the Town", address=f"{n} Memorial Avenue", phone="828-555-0140", point=(35.0, -80 - at)) for at, n in enumerate(("Oak", "Elm", "Fir"))
    ]
    await listed(faro, *far)
    told, rest = await says(faro, ASKED[language]), await says(faro, {"en": "MORE", "es": "MAS"}[language])
    assert "211" in told, told
    items = [line for line in f"{told}\n{rest}".splitlines() if "Memorial" in line]
    assert [re.findall(r"\b(\d)\. Example", line) for line in items] == [["1"], ["2"], ["3"]]
    assert all("828-555-0140" in line and re.search(r"(As of|Dato:) [\d:]+ \S+$", line) for line in items), items


@pytest.mark.parametrize("channel", [Channel.WEB, Channel.TELEGRAM])
async def test_the_list_comes_before_the_advice(faro: Faro, channel: Channel) -> None:
    await listed(faro, shelter())
    told = await says(faro, "shelter in marion", channel=channel)
    assert told.index("Open shelters in McDowell County") < told.index("Example High School") < told.index("MAP 1") < told.index("from hour to hour")
    assert told.count("Open shelters in McDowell County") == 1


async def test_on_the_web_the_map_is_tapped_and_the_address_leads_to_the_point(faro: Faro) -> None:
    await listed(faro, shelter(), replace(NEBO_HALL, point=None))
    told = await says(faro, "shelter 28752", channel=Channel.WEB)
    link = "https://www.openstreetmap.org/?mlat=35.68400&amp;mlon=-82.00900#map=16/35.68400/-82.00900"
    assert f'<a href="{link}" rel="noreferrer">12 Example Street, Marion</a>' in told
    assert "search?query=9+Example+Road,+Nebo,+28761+NC" in told
    assert f'<a href="{link}" rel="noreferrer">{link}</a>' in await says(faro, "MAP 1", channel=Channel.WEB)


async def test_what_was_known_another_day_says_which(faro: Faro, clock: Clock) -> None:
    clock.moment += 10 * HOUR
    await listed(faro, shelter())
    clock.moment += 3 * HOUR
    assert "As of Thursday 10:00 PM" in (await says(faro, ASKED["en"], channel=Channel.CONSOLE)).replace("\u202f", " ")


async def test_map_shows_a_place_and_survives_a_restart(faro: Faro) -> None:
    await listed(faro, shelter(), replace(NEBO_HALL, point=None))
    await says(faro, "shelter 28752")
    assert "https://www.openstreetmap.org/?mlat=35.68400&mlon=-82.00900" in await says(faro, "MAP 1")
    assert "openstreetmap.org/search?query=9+Example+Road,+Nebo,+28761+NC" in await says(faro, "mapa 2")
    assert "mlat=35.68400" in await says(faro, "Map")
    again = compose(faro.settings, words=faro.words, gazetteer=faro.gazetteer, live=faro.live, store=faro.store, clock=faro.clock)
    assert "mlat=35.68400" in await says(again, "MAP1")
    assert "openstreetmap" not in await says(again, "MAP 9")


async def test_after_a_county_was_picked_the_newest_list_has_the_maps(faro: Faro) -> None:
    await listed(faro, shelter(), GYM)
    await says(faro, "shelter in Black Mountain and Marion")
    assert "Example Gym" in await says(faro, "1")
    assert "mlat=35.59500" in await says(faro, "MAP 1")
    assert "Example High School" in await says(faro, "2"), "the list stays on offer"
    assert "mlat=35.68400" in await says(faro, "MAP 1")
    await says(faro, "MENU")
    assert "Example High School" in await says(faro, "1")
    await says(faro, "2")
    assert "mlat=35.68400" in await says(faro, "MAP 1")


@pytest.mark.parametrize(
    ("text", "wrong", "which"),
    [("shelter 28752", "MAP 5", "I have: 1, 3. Text MAP"), ("refugio 28752", "mapa 5", "Tengo: 1, 3. Escriba MAPA"), ("shelter 28752", "MAP 2", "I have: 1, 3. Text MAP")],
)
async def test_a_wrong_number_of_a_map_says_which_there_are_and_keeps_the_list(faro: Faro, text: str, wrong: str, which: str) -> None:
    await listed(faro, shelter(), replace(NEBO_HALL, point=None, address="", as_of=NOON + MINUTE), replace(GYM, county="McDowell"))
    await says(faro, text)
    assert which in await says(faro, wrong)
    assert "mlat=35.68400" in await says(faro, "1")
    assert "mlat=35.59500" in await says(faro, "MAP 3")


@pytest.mark.parametrize(("text", "said"), [("MAP 1", "I have no map for that"), ("MAPA 1", "No tengo mapa de eso"), ("mapa", "No tengo mapa de eso")])
async def test_a_map_without_a_list_is_none(faro: Faro, text: str, said: str) -> None:
    assert said in await says(faro, text)
    assert not await faro.store.feedback()


@pytest.mark.parametrize(
    ("text", "pets"),
    [
        ("open shelters that take dogs in 28801", "Pets stay with you"),
        ("pet friendly shelter in asheville", "Pets stay with you"),
        ("que refugio acepta perros en asheville", "Mascotas con usted"),
        ("albergue con mascotas cerca de asheville", "Mascotas con usted"),
    ],
)
async def test_a_shelter_asked_for_with_pets_is_a_shelter_and_the_pets_page_comes_second(faro: Faro, text: str, pets: str) -> None:
    await listed(faro, GYM)
    told = await says(faro, text)
    assert "Example Gym" in told
    assert pets in told
    page = await says(faro, "1")
    assert "Lost pet" in page or "mascota" in page


@pytest.mark.parametrize("text", ["animal shelter in asheville", "donde queda el refugio de animales de asheville"])
async def test_the_animal_shelter_is_no_shelter_for_people(faro: Faro, text: str) -> None:
    await listed(faro, GYM)
    assert "Example Gym" not in await says(faro, text)


async def test_what_follows_a_shelter_answer_goes_on_as_before(faro: Faro) -> None:
    await listed(faro, shelter(), NEBO_HALL, GYM)
    await says(faro, "shelter 28752")
    assert "mlat=35.71600" in await says(faro, "2")
    assert "Example Gym" in await says(faro, "Buncombe")
    assert "mlat=35.59500" in await says(faro, "MAP 1")
    await says(faro, "MORE")
    assert "mlat=35.59500" in await says(faro, "MAP 1")


def test_a_map_link_has_one_form() -> None:
    assert map_link("35.68400,-82.00900") == "https://www.openstreetmap.org/?mlat=35.68400&mlon=-82.00900#map=16/35.68400/-82.00900"
    assert map_link('12 "Example" St, Marion & <b>') == "https://www.openstreetmap.org/search?query=12+Example+St,+Marion+b+"


MINE = Opening(name="Example Church", county="mcdowell", address="3 Example Lane, Marion", zip="28752", phone="211", pets=Pets.ON_SITE, wheelchair=True, hours=6)


async def test_a_coordinator_opens_and_closes(faro: Faro) -> None:
    openings = openings_of(faro)
    opened = await openings.open(MINE, "Ana")
    assert "Example Church 3 Example Lane, Marion 211. Pets at the site. Wheelchair access." in await says(faro, ASKED["en"])
    await openings.close(number_of(opened), "Ben")
    assert "Example Church" not in await says(faro, ASKED["en"])
    assert [(w.by, w.open, w.at) for w in await openings.log()] == [("Ben", False, NOON), ("Ana", True, NOON)]


async def test_what_a_coordinator_closed_no_feed_opens_for_three_days(faro: Faro, clock: Clock) -> None:
    openings = openings_of(faro)
    await listed(faro, shelter(), NEBO_HALL)
    await openings.close(number_of(shelter()), "Ana")
    for hours in (0, 13, 24, 60):
        clock.moment = NOON + hours * HOUR
        await listed(faro, shelter(id="9", name="EXAMPLE HIGH SCHOOL GYM", address="12 Example St"), NEBO_HALL)
        assert [s.name for s in await openings.told_now()] == ["Nebo Example Hall"]
    clock.moment = NOON + CLOSED_HOLDS
    await listed(faro, shelter())
    assert len(await openings.told_now()) == 1


async def test_the_last_word_counts_whatever_it_calls_the_place(faro: Faro, clock: Clock) -> None:
    openings = openings_of(faro)
    await listed(faro, shelter(phone="828-555-0140"))
    await openings.close(number_of(shelter()), "Ana")
    clock.moment += MINUTE
    await openings.open(Opening(name="Example High School", county="", address="", zip="28752"), "Ben")
    (told,) = await openings.told_now()
    assert (told.source, told.phone, told.point) == ("faro", "828-555-0140", MARION)
    clock.moment += 13 * HOUR  # its word has faded, and the older 'closed' does not come back
    await listed(faro, shelter())
    assert [s.source for s in await openings.told_now()] == ["fema"]


async def test_hours_end_an_opening_and_so_does_half_a_day(faro: Faro, clock: Clock) -> None:
    openings = openings_of(faro)
    await openings.open(MINE, "Ana")
    await openings.open(Opening(name="Other Church", county="Wake"), "Ana")
    clock.moment += 7 * HOUR
    assert [s.name for s in await openings.told_now()] == ["Other Church"]
    clock.moment += 6 * HOUR
    assert await openings.told_now() == []


@pytest.mark.parametrize(
    ("opening", "code"),
    [
        (Opening(name=" ", county="Wake"), "name"),
        (Opening(name="Hall", county="Fulton"), "no-such-county"),
        (Opening(name="Hall", county="buncomb"), "unknown-county"),
        (Opening(name="Hall", county="Yancey", zip="28801"), "zip"),
        (Opening(name="Hall", county="Yancey", zip="x"), "zip"),
        (Opening(name="Hall", county="Yancey", phone="abc"), "phone"),
        (Opening(name="Hall", county="Yancey", phone="828-555-01"), "phone"),
        (Opening(name="Hall", county="Wake", hours=float("nan")), "hours"),
        (Opening(name="Hall", county=""), "county"),
        (Opening(name="Hall", county="", zip="99999"), "county"),
    ],
)
async def test_an_opening_needs_a_name_and_a_county_and_nothing_that_cannot_be(faro: Faro, opening: Opening, code: str) -> None:
    with pytest.raises(NoShelter) as refused:
        await openings_of(faro).open(opening, "Ana")
    assert refused.value.code == code
    for language in LANGUAGES:
        assert "{" not in faro.words.say(f"openings.cannot.{code}", language, **refused.value.values)


async def test_a_zip_that_reaches_into_two_counties_fits_both(faro: Faro) -> None:
    counties = faro.gazetteer.zip_counties["28761"]
    assert len(counties) > 1
    for county in counties:
        assert (await openings_of(faro).open(Opening(name="Hall", county=county, zip="28761"), "Ana")).county == county


@pytest.mark.parametrize(("hours", "said"), [(4, "until 4:00 PM"), (None, "for 12 hours; say it again"), (40, "for 12 hours; say it again")])
async def test_a_coordinator_is_told_how_long_it_is_told(faro: Faro, clock: Clock, hours: float | None, said: str) -> None:
    openings = openings_of(faro)
    opened = await openings.open(replace(MINE, hours=hours), "Ana")
    assert said in told_done(opened, faro.words, "en")
    clock.moment += timedelta(hours=min(hours or 12, 12))
    assert await openings.told_now() == []
    assert opened.until == clock.moment


async def test_no_number_closes_what_is_not_told(faro: Faro) -> None:
    for number in (0, number_of(shelter())):
        with pytest.raises(NoShelter):
            await openings_of(faro).close(number, "Ana")


async def test_another_faro_knows_within_fifteen_seconds(faro: Faro) -> None:
    await listed(faro, shelter())
    other = ShelterBoard(faro.feeds, faro.gazetteer, faro.clock)
    await other.refresh()
    await openings_of(faro).close(number_of(shelter()), "Ana")
    assert len(other.with_rows(()).open_now(NOON)) == 1
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await other.keep_fresh(sleep)
    assert (other.with_rows(()).open_now(NOON), slept) == ([], [REFRESH])
    assert REFRESH <= 15


async def test_volunteers_rows_and_feeds_are_one_list(faro: Faro, clock: Clock) -> None:
    """A row of yesterday keeps nothing that a feed says today from being told; one of today that has ended does."""
    row = shelter(id="row", source="volunteers", point=None, until=NOON + HOUR)
    await listed(faro, shelter())
    assert [s.id for s in faro.board.with_rows((row,)).open_now(NOON)] == ["row"]
    clock.moment = NOON + 2 * HOUR
    await listed(faro, shelter())
    assert faro.board.with_rows((row,)).open_now(clock()) == []
    clock.moment = NOON + 14 * HOUR
    await listed(faro, shelter())
    assert len(faro.board.with_rows((row,)).open_now(clock())) == 1


COORDINATORS = -77


def order(text: str, chat: int = COORDINATORS, **more: Any) -> dict[str, Any]:
    return update(chat=chat, chat_type="group" if chat < 0 else "private", text=text, **more)


async def test_coordinators_order_on_telegram_and_nobody_else_does(faro: Faro) -> None:
    telegram = FakeTelegram()
    with serving(telegram.app) as url:
        async with open_house(faro, telegram_token=TOKEN, telegram_secret=SECRET, telegram_api_url=url, public_url=PUBLIC_URL, coordinators_chat=COORDINATORS) as house:
            door = house.doors.telegram
            assert door
            await door.start()

            async def says_there(sent: dict[str, Any]) -> str:
                before = len(telegram.texts(sent_to := (sent.get("message") or sent["callback_query"]["message"])["chat"]["id"]))
                await deliver(house, telegram, sent)
                return "\n".join(telegram.texts(sent_to)[before:])

            openings = openings_of(faro)
            assert "no open shelter" in await says_there(order("/shelter list"))
            assert "Open: Example &lt;Church&gt;, McDowell County" in await says_there(order("/shelter open Example <Church>; 3 Example Lane; 28752; 211"))
            (told,) = await openings.told_now()
            assert (told.phone, told.address) == ("211", "3 Example Lane")
            number = number_of(told)
            assert str(number) in await says_there(order("/shelter@faro_bot lista", language_code="es"))
            for stranger in (
                order(f"/shelter close {number}", chat=-78),
                order(f"/shelter close {number}", chat=5),
                order(f"/shelter close {number}", forward_origin={"type": "hidden_user", "date": 1, "sender_user_name": "x"}),
                order("/shelter open Trap; 1 Road; 28752", chat=5),
                press(f"/shelter close {number}", chat=COORDINATORS),
            ):
                await says_there(stranger)
                assert [s.name for s in await openings.told_now()] == ["Example <Church>"]
            usage = await says_there(order("/shelter"))
            assert "/shelter close 1234" in usage
            assert str(number) in usage
            assert "Write only the number" in await says_there(order("/shelter open Hall; 1 Road; 28752; abc"))
            assert "has that number" in await says_there(order("/shelter close 12"))
            assert "which county" in await says_there(order("/shelter open Hall"))
            assert "Cerrado: Example" in await says_there(order(f"/shelter cerrar {number}", language_code="es"))
            assert await openings.told_now() == []
            by = {word.by for word in await openings.log()}
            assert len(by) == 1
            assert re.fullmatch(r"Ana \([0-9a-f]{6}\)", by.pop())
            await door.stop()


async def test_the_studio_opens_closes_and_tells_who_said_what(settings: Settings, words: Words, gazetteer: Gazetteer, learnt: Path, tmp_path: Path, clock: Clock) -> None:
    write_content(tmp_path / "content")
    async with open_studio(settings, words, gazetteer, tmp_path / "content", learnt, clock) as room:
        faro = room.house.faro
        assert [(await room.get("/studio/shelters")).status_code, (await room.post("/studio/shelters/open", name="Hall", county="Wake")).status_code] == [403, 403]
        assert "/studio/shelters" not in (await room.get("/studio/map")).text
        await room.sign_in("Eva", "coordinator")
        await listed(faro, shelter())
        await faro.feeds.keep(Kept(name="nss", asked_at=clock(), trouble="HTTP 503"))
        page = (await room.get("/studio/shelters")).text
        assert [text for text in ("Example High School", "FEMA", "2026-12-10 12:00", "HTTP 503", "no good list yet") if text not in page] == []
        assert (await room.post("/studio/shelters/open", name="<i>Church</i>", county="Wake", pets="no", wheelchair="no", hours="4")).status_code == 303
        assert (await room.post("/studio/shelters/open", name="Nowhere", county="")).status_code == 400
        refused = await room.post("/studio/shelters/open", name="Hall", county="Yancey", zip="28801", phone="abc")
        assert (refused.status_code, "ZIP code 28801 does not lie in Yancey County" in refused.text) == (400, True)
        assert (await room.post("/studio/shelters/open", name="Hall", county="Yancey", hours="some")).status_code == 400
        assert (await room.post("/studio/shelters/close", number=str(number_of(shelter())))).status_code == 303
        assert (await room.post("/studio/shelters/close", number="seven")).status_code == 400
        (told,) = await openings_of(faro).told_now()
        assert (told.name, told.pets, told.wheelchair, told.until) == ("<i>Church</i>", Pets.NO, False, NOON + 4 * HOUR)
        page = (await room.get("/studio/shelters", "es")).text
        assert "&lt;i&gt;Church" in page
        assert "<i>Church" not in page
        assert page.count("· Eva ·") == 2
        assert "HTTP 503" in (await room.get("/studio")).text
        picture = (await room.get("/studio/map?show=shelter")).text
        own = words.say("studio.map.level.own", "en")
        assert [county for county in faro.gazetteer.counties if f'aria-label="{county}: {own}"' in picture] == ["Wake"]
        metrics = (await room.client.get("/metrics")).text
        assert 'faro_feed_trouble{feed="nss"} 1.0' in metrics
        assert 'faro_feed_age_seconds{feed="fema"} 0.0' in metrics


def test_the_command_line_opens_closes_and_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_content(tmp_path / "content")
    monkeypatch.setenv("FARO_DATA", str(tmp_path))
    monkeypatch.setenv("FARO_CONTENT", str(tmp_path / "content"))
    monkeypatch.setenv("LOGNAME", "ana")

    def faro_shelter(*arguments: str) -> str:
        return CliRunner().invoke(app, ["shelter", *arguments]).output

    assert "no open shelter" in faro_shelter("list")
    assert "Open: Example Church, McDowell County" in faro_shelter("open", "Example Church", "--zip", "28752", "--pets", "no", "--no-wheelchair", "--hours", "3")
    line = faro_shelter("list")
    assert "Example Church, McDowell County" in line
    for arguments, told in (
        (("--county", "buncomb"), "Did you mean: Buncombe"),
        (("--county", "Yancey", "--zip", "28801"), "does not lie in Yancey"),
        (("--county", "Yancey", "--phone", "abc"), "no phone number"),
    ):
        refused = CliRunner().invoke(app, ["shelter", "open", "Hall", *arguments])
        assert told in str(refused.exception)
    assert "Closed: Example Church" in faro_shelter("close", line.split()[0])
    assert "no open shelter" in faro_shelter("list")
    with closing(sqlite3.connect(tmp_path / "faro.sqlite3")) as database:
        assert database.execute("SELECT by, open FROM opening ORDER BY id").fetchall() == [("ana (faro shelter)", 1), ("ana (faro shelter)", 0)]
    result = CliRunner().invoke(app, ["shelter", "open", "Hall"])
    assert isinstance(result.exception, CannotDo)
    assert CliRunner().invoke(app, ["shelter", "open", "Hall", "--county", "Wake", "--pets", "cats"]).exit_code == 2


def test_the_doctor_knows_how_old_a_feed_is() -> None:
    feeds: dict[str, tuple[datetime | None, str]] = {"fema": (NOON, ""), "nss": (NOON - 2 * HOUR, "HTTP 503"), "red-cross": (NOON - 13 * HOUR, "")}
    found = [*feeds_found(Facts(kind="sqlite", feeds=feeds), ["fema", "nss", "nws", "red-cross"], NOON)]
    assert [(f.code, f.grade) for f in found] == [("feed", "ok"), ("feed-stopped", "warn"), ("feed-never", "warn"), ("feed-stopped", "bad")]
