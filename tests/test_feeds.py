"""The shelter feeds against a local server of their form: what they say wrong never opens a shelter, and never wipes the last good list without a word."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from typing import Any

import httpx
import pytest

from bot.directory.shelters import Pets, Shelter, ShelterList
from bot.feeds.asking import PATIENCE
from bot.feeds.openings import Opening, Openings
from bot.feeds.placing import Placing
from bot.feeds.polling import BELIEVED_AFTER, LONGEST_PAUSE, Poller
from bot.feeds.shelter_feeds import FEEDS
from bot.feeds.shelters import EVERY, ShelterBoard, ShelterSource
from bot.geo.points import CountyMap
from bot.geo.tables import Gazetteer
from bot.settings import Settings
from bot.store.feeds import Feeds, Kept
from bot.store.lease import Lease
from bot.store.store import Store
from tests.conftest import NOON, Clock
from tests.doors import serving
from tests.fake_fema import FakeFema, fema_row, many, nss_row, red_cross_row
from tests.new_store import new_store

Row = Mapping[str, Any]
HOUR = timedelta(hours=1)


@dataclass(kw_only=True)
class Bench:
    """The real client and pollers on a real socket, over a real database, in simulated time."""

    fake: FakeFema
    url: str
    store: Store
    clock: Clock
    gazetteer: Gazetteer
    client: httpx.AsyncClient
    pollers: dict[str, Poller] = field(default_factory=dict)

    @property
    def feeds(self) -> Feeds:
        return Feeds(self.store, self.clock)

    def poller(self, name: str = "fema", patience: float = PATIENCE, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> Poller:
        feed = FEEDS[name](f"{self.url}/{name}/query")
        source = ShelterSource(replace(feed, request=replace(feed.request, patience=patience)), self.client, Placing(CountyMap(), self.gazetteer))
        return Poller(source, self.feeds, Lease(self.store, f"feed {name}", self.clock), self.clock, sleep)

    async def poll(self, name: str = "fema", rows: Sequence[Row] | None = None, patience: float = PATIENCE) -> float:
        """Asks one feed once, when its time has come."""
        if rows is not None:
            self.fake.rows[name] = rows
        self.clock.moment += timedelta(seconds=EVERY)
        return await self.pollers.setdefault(name, self.poller(name, patience)).once()

    async def kept(self, name: str = "fema") -> Kept:
        return (await self.feeds.all())[name]

    async def board(self) -> ShelterBoard:
        board = ShelterBoard(self.feeds, self.gazetteer, self.clock)
        await board.refresh()
        return board

    async def told(self) -> list[Shelter]:
        return (await self.board()).with_rows(()).open_now(self.clock())

    async def names(self) -> list[str]:
        return [s.name for s in await self.told()]


@pytest.fixture(scope="module")
def placing(gazetteer: Gazetteer) -> Placing:
    return Placing(CountyMap(), gazetteer)


@pytest.fixture(scope="module")
def fema() -> Iterator[tuple[FakeFema, str]]:
    fake = FakeFema()
    with serving(fake.app) as url:
        yield fake, url


@pytest.fixture
async def bench(fema: tuple[FakeFema, str], settings: Settings, clock: Clock, gazetteer: Gazetteer) -> AsyncIterator[Bench]:
    fake, url = fema
    fake.rows, fake.oddities, fake.page_size, fake.etag, fake.asked = {}, [], 1000, "", []
    store = await new_store(settings)
    async with httpx.AsyncClient(timeout=PATIENCE) as client:
        yield Bench(fake=fake, url=url, store=store, clock=clock, gazetteer=gazetteer, client=client)
    await store.close()


@pytest.mark.parametrize(
    ("name", "row", "phone", "wheelchair", "pets"),
    [
        ("fema", fema_row(), "", True, Pets.WITH_PEOPLE),
        ("nss", nss_row(PET_ACCOMMODATIONS_CODE=" "), "828-555-0140", True, None),
        ("red-cross", red_cross_row(), "", None, None),
    ],
)
async def test_each_feed_gives_the_same_shelter(bench: Bench, name: str, row: Row, phone: str, wheelchair: bool | None, pets: Pets | None) -> None:
    await bench.poll(name, [row])
    (shelter,) = await bench.told()
    assert (shelter.source, shelter.name, shelter.county, shelter.zip, shelter.city) == (name, "Example High School", "McDowell", "28752", "Marion")
    assert (shelter.phone, shelter.wheelchair, shelter.pets, shelter.as_of) == (phone, wheelchair, pets, bench.clock())
    assert shelter.point is not None
    assert shelter.point == pytest.approx((35.684, -82.009), abs=0.001)


async def test_a_coordinator_is_believed_until_a_list_says_that_it_has_filled_since(bench: Bench) -> None:
    """Lists lag, so one that has said CLOSED all the time is no news; one that has turned is."""
    await bench.poll(rows=[fema_row(shelter_status="CLOSED")])
    openings = Openings(bench.feeds, await bench.board(), bench.gazetteer, lambda: (), bench.clock)
    opened = await openings.open(Opening(name="Example High School", county="McDowell", zip="28752"), "Ana")
    seen = []
    for status in ("CLOSED", "CLOSED", "OPEN", "FULL", "FULL", "OPEN"):
        await bench.poll(rows=[fema_row(shelter_status=status)])
        seen.append([(s.name, s.source) for s in await bench.told()])
    assert seen == [[(opened.name, "faro")]] * 3 + [[], []] + [[(opened.name, "faro")]]


@pytest.mark.parametrize("name", FEEDS)
async def test_no_feed_is_asked_for_persons_nor_for_more_than_is_read(bench: Bench, name: str) -> None:
    await bench.poll(name, [])
    (asked,) = bench.fake.asked
    fields = asked.query_params["outFields"].lower().split(",")
    assert not [f for f in fields if "poc" in f or "mail" in f or "*" in f or "contact" in f]
    assert asked.query_params["f"] == "json"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, True),
        ({"shelter_status": "open"}, True),
        ({"shelter_status": "FULL"}, False),
        ({"shelter_status": "CLOSED"}, False),
        ({"shelter_status": "STANDBY"}, False),
        ({"shelter_status": "ALERT"}, False),
        ({"shelter_status": "OPENING SOON"}, False),
        ({"shelter_status": " "}, False),
        ({"shelter_status": None}, False),
        ({"shelter_status": True}, False),
        ({"shelter_name": " "}, False),
        ({"shelter_name": 7}, True),
        ({"zip": 28752}, True),
        ({"zip": "28752-1234", "latitude": 0, "longitude": 0}, True),
        ({"latitude": "35.684", "longitude": "-82.009", "zip": " "}, True),
        ({"latitude": -82.009, "longitude": 35.684}, True),  # swapped: the ZIP code places it
        ({"latitude": -82.009, "longitude": 35.684, "zip": " "}, False),
        ({"latitude": 0, "longitude": 0, "zip": " "}, False),
        ({"latitude": "NaN", "longitude": "here", "zip": [1]}, False),
        ({"latitude": 33.75, "longitude": -84.39, "zip": "30301"}, False),
        ({"address": None, "city": " ", "wheelchair_accessible": 1, "pet_accommodations_code": {}}, True),
        ({"shelter_id": None}, True),
    ],
)
def test_only_an_open_one_in_north_carolina_is_told(placing: Placing, gazetteer: Gazetteer, changes: Row, told: bool) -> None:
    listed = FEEDS["fema"]("").listed([fema_row(**changes)], placing, NOON)
    assert len(ShelterList(listed.shelters, gazetteer).open_now(NOON)) == told


async def test_blanks_are_not_said(bench: Bench) -> None:
    await bench.poll("fema", [fema_row(wheelchair_accessible=" ", pet_accommodations_code=" ", address=" ", latitude=" ")])
    (shelter,) = await bench.told()
    assert (shelter.wheelchair, shelter.pets, shelter.address, shelter.point) == (None, None, "", None)


ODDITIES: list[tuple[Any, str]] = [
    ("error", "the service says error 400"),
    ("error of another form", "the service says error"),
    ("no features", "the answer has another form"),
    ("features of another form", "the answer has another form"),
    ("rows of another form", "the answer has another form"),
    ("a list", "the answer has another form"),
    ("announces more", "a page is empty though more are announced"),
    ("half", "the answer is not whole JSON"),
    ("html", "the answer is not whole JSON"),
    ("deep", "the answer is not whole JSON"),
    ("nothing", "the answer is not whole JSON"),
    ("endless", "the answer does not end"),
    ("hangs", "out of reach (TimeoutError)"),
    ((500, {}), "HTTP 500"),
    ((429, {"retry-after": "1200"}), "HTTP 429"),
    ((304, {}), "HTTP 304"),
    ((404, {}), "HTTP 404"),
]


async def test_whatever_a_feed_says_wrong_leaves_the_last_good_list_and_is_told(bench: Bench) -> None:
    for odd, trouble in ODDITIES:
        await bench.poll("fema", [fema_row()])
        good = await bench.kept()
        bench.fake.oddities.append(odd)
        bench.pollers.clear()
        pause = await bench.poll(patience=0.2 if odd == "hangs" else PATIENCE)
        after = await bench.kept()
        assert (after.items, after.good_at, after.asked_at) == (good.items, good.good_at, bench.clock()), odd
        assert after.trouble == trouble, odd
        assert [(s.name, s.as_of) for s in await bench.told()] == [("Example High School", good.good_at)], odd
        assert 0.9 * EVERY <= pause <= 1.1 * LONGEST_PAUSE, odd
        await bench.poll("fema", [])
        assert ((await bench.kept()).trouble, await bench.names()) == ("", []), odd


async def test_who_asks_to_be_left_alone_is_and_failures_slow_down(bench: Bench) -> None:
    bench.fake.oddities += [(429, {"retry-after": "1500"}), (500, {}), (500, {}), (500, {}), (500, {})]
    assert 0.9 * 1500 <= await bench.poll() <= 1.1 * 1500
    pauses = [await bench.poll() for _ in range(4)]
    assert pauses[-1] > 1.2 * EVERY
    assert max(pauses) <= 1.1 * LONGEST_PAUSE


async def test_all_pages_are_read(bench: Bench) -> None:
    bench.fake.page_size = 2
    await bench.poll("fema", many(5))
    assert len(await bench.told()) == 5
    assert [r.query_params.get("resultOffset") for r in bench.fake.asked] == [None, "2", "4"]


async def test_half_the_pages_are_no_list(bench: Bench) -> None:
    await bench.poll("fema", many(3))
    bench.fake.page_size, bench.fake.oddities = 2, ["well", (503, {})]
    await bench.poll("fema", many(5))
    assert ((await bench.kept()).trouble, len(await bench.told())) == ("HTTP 503", 3)


async def test_the_mark_of_a_first_page_vouches_for_no_other(bench: Bench) -> None:
    bench.fake.page_size, bench.fake.etag = 2, '"one"'
    await bench.poll("fema", many(5))
    assert (await bench.kept()).etag == ""


async def test_nothing_has_changed_keeps_the_list_fresh(bench: Bench) -> None:
    bench.fake.etag = '"one"'
    await bench.poll("fema", [fema_row()])
    bench.fake.oddities = [(500, {})]
    await bench.poll()
    assert (await bench.kept()).trouble == "HTTP 500"
    await bench.poll()
    kept = await bench.kept()
    assert bench.fake.asked[-1].headers["if-none-match"] == '"one"'
    assert (kept.good_at, kept.trouble) == (bench.clock(), "")
    assert [(s.name, s.as_of) for s in await bench.told()] == [("Example High School", bench.clock())]


async def test_an_empty_list_is_normal(bench: Bench) -> None:
    await bench.poll("fema", [fema_row()])
    await bench.poll("fema", [])
    kept = await bench.kept()
    assert (kept.trouble, kept.good_at, await bench.names()) == ("", bench.clock(), [])


async def test_a_list_that_loses_most_of_its_rows_is_kept_until_it_has_said_so_three_times(bench: Bench) -> None:
    bench.fake.etag = '"one"'
    await bench.poll("fema", many(20))
    good_at = (await bench.kept()).good_at
    bench.fake.etag = '"two"'
    for _ in range(BELIEVED_AFTER - 1):
        await bench.poll("fema", many(1))
        kept = await bench.kept()
        assert (kept.trouble, kept.good_at, len(await bench.told())) == ("20 rows became 1", good_at, 20)
    await bench.poll("fema", many(1))
    assert ((await bench.kept()).trouble, len(await bench.told())) == ("", 1)


async def test_a_list_that_comes_back_was_a_fault_and_is_counted_anew(bench: Bench) -> None:
    for rows in (20, 1, 1, 20, 1, 1):
        await bench.poll("fema", many(rows))
    assert len(await bench.told()) == 20


@pytest.mark.parametrize("changes", [{"shelter_status": "ACTIVE"}, {"zip": " ", "latitude": 1}, {"shelter_name": None}])
async def test_a_list_whose_form_has_changed_is_not_believed(bench: Bench, changes: Row) -> None:
    await bench.poll("fema", many(4))
    await bench.poll("fema", [*many(4, **changes)[:3], fema_row()])
    kept = await bench.kept()
    assert (kept.trouble, len(await bench.told())) == ("3 of 4 rows make no sense", 4)


HIDDEN: list[Row] = [
    {},
    {"hide_from_public": " "},
    {"hide_from_public": None},
    {"hide_from_public": "Maybe"},
    {"active_site_status": "Unheard of"},
    {"active_site_status": "Closed"},
    {"geometry": {"x": 0, "y": 0}},
    {"geometry": {"x": 0, "y": 0}, "active_site_address": " "},
    {"geometry": None, "active_zip": " ", "active_site_address": " "},
    {"active_site_name": "Shelter", "active_zip": "28752", "active_site_address": "12 Example Street"},
]


async def test_what_one_feed_hides_no_other_shows(bench: Bench) -> None:
    await bench.poll("fema", [fema_row(), fema_row(shelter_id=2, shelter_name="Other Hall", address="9 Example Road", latitude=35.75)])
    third = red_cross_row(dataid="rc-2", active_site_name="Third House", active_site_address="3 Example Road", geometry={"x": -82.1, "y": 35.6})
    for hidden in HIDDEN:
        await bench.poll("red-cross", [red_cross_row(**{"hide_from_public": "Yes", **hidden}), third])
        assert await bench.names() == ["Other Hall", "Third House"], hidden


async def test_a_hidden_one_without_a_place_hides_only_its_own_name(bench: Bench) -> None:
    await bench.poll("fema", [fema_row(shelter_name="Example Church Shelter")])
    await bench.poll("red-cross", [red_cross_row(hide_from_public="Yes", active_site_name="Shelter", geometry=None, active_zip=" ", active_site_address=" ")])
    assert await bench.names() == ["Example Church Shelter"]


async def test_a_site_hidden_over_a_county_line_is_hidden(bench: Bench) -> None:
    """Two points a few steps apart may lie in two counties."""
    counties = CountyMap()
    south = next(35.45 + n / 10_000 for n in range(5000) if counties.counties_at(35.45 + n / 10_000, -82.30)[:1] != counties.counties_at(35.45 + (n + 1) / 10_000, -82.30)[:1])
    await bench.poll("fema", [fema_row(latitude=south, longitude=-82.30, zip=" ", address=" ")])
    assert len(await bench.told()) == 1
    await bench.poll("red-cross", [red_cross_row(hide_from_public="Yes", geometry={"x": -82.30, "y": south + 1 / 10_000}, active_zip=" ", active_site_address=" ")])
    assert await bench.names() == []


async def test_the_same_site_of_two_feeds_is_one_with_what_both_know(bench: Bench) -> None:
    await bench.poll("fema", [fema_row(pet_accommodations_code=" ")])
    await bench.poll("nss", [nss_row()])
    await bench.poll("red-cross", [red_cross_row(active_site_name="EXAMPLE HIGH SCHOOL (GYM)")])
    (shelter,) = await bench.told()
    assert (shelter.phone, shelter.pets, shelter.wheelchair) == ("828-555-0140", Pets.WITH_PEOPLE, True)


@pytest.mark.parametrize("said", ["Closed", "Full", "Standby", "Something new"])
async def test_what_one_feed_calls_other_than_open_is_not_open(bench: Bench, said: str) -> None:
    await bench.poll("fema", [fema_row()])
    await bench.poll(
        "red-cross",
        [
            red_cross_row(active_site_status=said),
            *(red_cross_row(dataid=f"rc-{n}", active_site_name=f"House {n}", active_site_address="", geometry={"x": -82.1, "y": 35.6 + n / 10}) for n in range(2)),
        ],
    )
    assert "Example High School" not in await bench.names()


async def test_two_schools_in_one_town_stay_two(bench: Bench) -> None:
    await bench.poll("fema", [fema_row(), fema_row(shelter_id=2, shelter_name="Example Middle School", address="90 Example Road", latitude=35.70)])
    assert len(await bench.told()) == 2


async def test_a_feed_that_stopped_is_told_for_twelve_hours_and_not_longer(bench: Bench) -> None:
    await bench.poll("fema", [fema_row()])
    bench.fake.oddities = [(500, {})] * 40
    bench.clock.moment += 11 * HOUR
    await bench.poll()
    assert len(await bench.told()) == 1
    bench.clock.moment += 2 * HOUR
    await bench.poll()
    board = await bench.board()
    assert (await bench.told(), board.with_rows(()).find("McDowell", bench.clock()).old) == ([], True)


async def test_a_feed_that_stopped_keeps_no_shelter_of_a_living_one_from_being_told(bench: Bench) -> None:
    await bench.poll("red-cross", [red_cross_row(active_site_status="Closed"), red_cross_row(dataid="rc-2", active_site_name="Third House", active_site_address="", geometry={"x": -82.1, "y": 35.6})])
    bench.clock.moment += 13 * HOUR
    await bench.poll("fema", [fema_row()])
    (shelter,) = await bench.told()
    assert shelter.as_of == bench.clock()


async def test_a_restart_keeps_the_list(bench: Bench) -> None:
    await bench.poll("fema", [fema_row()])
    (shelter,) = await bench.told()
    fresh = ShelterBoard(Feeds(bench.store, bench.clock), bench.gazetteer, bench.clock)
    assert fresh.with_rows(()).open_now(bench.clock()) == []
    await fresh.refresh()
    assert fresh.with_rows(()).open_now(bench.clock()) == [shelter]


async def test_a_list_that_cannot_be_read_any_more_costs_its_rows_only(bench: Bench) -> None:
    await bench.poll("fema", [fema_row()])
    kept = await bench.kept()
    await bench.feeds.keep(replace(kept, items=json.dumps([*json.loads(kept.items), {"shelter": {"name": 1}}, {}, 7, {"shelter": {**json.loads(kept.items)[0]["shelter"], "status": "ajar"}}])))
    assert await bench.names() == ["Example High School"]


async def test_whoever_is_started_again_asks_no_sooner(bench: Bench) -> None:
    await bench.poll("fema", [fema_row()])
    left = await bench.poller().once()
    assert (0 < left <= EVERY, len(bench.fake.asked)) == (True, 1)


class Sleepers:
    """Time that passes only when all who run are asleep."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._asleep: list[tuple[float, int, asyncio.Future[None]]] = []
        self._count = 0

    async def sleep(self, seconds: float) -> None:
        self._count += 1
        until = self._clock().timestamp() + seconds
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heappush(self._asleep, (until, self._count, woken))
        try:
            await woken
        except asyncio.CancelledError:
            self._asleep = sorted(one for one in self._asleep if one[2] is not woken)
            raise

    async def all_asleep(self, many: int) -> None:
        while len(self._asleep) < many:  # noqa: ASYNC110  what runs does real work, of a length that nobody knows
            await asyncio.sleep(0.001)

    async def passes(self, time: timedelta, *, many: int) -> None:
        until = self._clock() + time
        await self.all_asleep(many)
        while self._asleep[0][0] <= until.timestamp():
            when, _, woken = heappop(self._asleep)
            self._clock.moment = datetime.fromtimestamp(when, UTC)
            woken.set_result(None)
            await self.all_asleep(many)
        self._clock.moment = until


async def test_of_two_faros_one_asks_and_the_other_takes_over(bench: Bench) -> None:
    bench.fake.rows["fema"] = [fema_row()]
    sleepers = Sleepers(bench.clock)
    first = asyncio.create_task(bench.poller(sleep=sleepers.sleep).run())
    await sleepers.all_asleep(1)
    second = asyncio.create_task(bench.poller(sleep=sleepers.sleep).run())
    await sleepers.passes(timedelta(minutes=13), many=2)
    assert len(bench.fake.asked) == 2
    first.cancel()
    await asyncio.wait((first,))
    asked = len(bench.fake.asked)
    await sleepers.passes(timedelta(minutes=6), many=1)
    assert len(bench.fake.asked) - asked == 1
    second.cancel()
    await asyncio.wait((second,))


async def test_the_poll_goes_on_when_the_database_was_away(bench: Bench) -> None:
    bench.fake.rows["fema"] = [fema_row()]
    sleepers = Sleepers(bench.clock)
    poller = bench.poller(sleep=sleepers.sleep)
    running = asyncio.create_task(poller.run())
    async with bench.store.begin() as connection:
        await connection.exec_driver_sql("ALTER TABLE feed RENAME TO away")
    await sleepers.passes(timedelta(minutes=1), many=1)
    async with bench.store.begin() as connection:
        await connection.exec_driver_sql("ALTER TABLE away RENAME TO feed")
    await sleepers.passes(timedelta(minutes=11), many=1)
    assert await bench.names() == ["Example High School"]
    running.cancel()
    await asyncio.wait((running,))
