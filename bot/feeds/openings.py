"""Coordinators open and close shelters, from the studio, the command line or their Telegram chat: who said what, and when, is kept."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from math import inf
from typing import Final

from rapidfuzz import process

from bot.directory.phones import phone_fault
from bot.directory.shelters import FRESH_FOR, Pets, Shelter, Status
from bot.errors import NoShelter
from bot.feeds.shelters import ShelterBoard
from bot.geo.tables import Gazetteer, fold
from bot.store.feeds import Feeds, Kept, Word

NUMBERS: Final = range(1000, 10_000)
LONGEST: Final = 120
HOUR: Final = timedelta(hours=1)
# Of a county that there is not: how many names are offered, and how alike they are (0 to 100).
NEAR_NAMES, ALIKE = 3, 75


@dataclass(frozen=True, kw_only=True)
class Opening:
    """What a coordinator says of a shelter that is open."""

    name: str
    county: str
    address: str = ""
    zip: str = ""
    phone: str = ""
    pets: Pets | None = None
    wheelchair: bool | None = None
    hours: float | None = None


class Openings:
    """What is said is told at once on this Faro, and by the next reading of the board on the others."""

    def __init__(self, feeds: Feeds, board: ShelterBoard, gazetteer: Gazetteer, rows: Callable[[], tuple[Shelter, ...]], clock: Callable[[], datetime]) -> None:
        self._feeds = feeds
        self._board = board
        self._gazetteer = gazetteer
        self._rows = rows
        self._clock = clock

    async def told_now(self) -> list[Shelter]:
        """What residents are told now, freshly read."""
        await self._board.refresh()
        return self._board.with_rows(self._rows()).open_now(self._clock())

    async def feeds(self) -> Mapping[str, Kept]:
        """Every feed as it was last heard."""
        return await self._feeds.all()

    async def log(self) -> Sequence[Word]:
        """Who said what, and when, the newest first."""
        return await self._feeds.words(100)

    async def open(self, opening: Opening, by: str) -> Shelter:
        """Told for the hours that are given, FRESH_FOR at most. Raises NoShelter for what is missing or cannot be."""
        county, now = self._county(opening), self._clock()
        zip_code, phone = opening.zip.strip()[:5], opening.phone.strip()
        if not opening.name.strip():
            raise NoShelter("name")
        if zip_code and county not in self._gazetteer.zip_counties.get(zip_code, ()):
            raise NoShelter("zip", {"zip": zip_code, "county": county})
        if phone and phone_fault(phone):
            raise NoShelter("phone", {"phone": phone})
        if opening.hours is not None and not opening.hours > 0:
            raise NoShelter("hours")
        lasts = timedelta(hours=min(opening.hours or inf, FRESH_FOR / HOUR))
        shelter = Shelter(
            id=f"{fold(opening.name)} {county}"[:80],
            source="faro",
            name=opening.name.strip()[:LONGEST],
            county=county,
            status=Status.OPEN,
            as_of=now,
            address=opening.address.strip()[:LONGEST],
            zip=zip_code,
            phone=phone[:30],
            pets=opening.pets,
            wheelchair=opening.wheelchair,
            until=now + lasts,
        )
        await self._say(shelter, by)
        return shelter

    async def close(self, number: int, by: str) -> Shelter:
        """By the number that the list gives. Raises NoShelter."""
        found = [s for s in await self.told_now() if number_of(s) == number]
        if len(found) != 1:
            raise NoShelter("number")
        shelter = found[0]
        site = shelter.id if shelter.source == "faro" else f"{shelter.source}:{shelter.id}"[:80]
        closed = replace(shelter, id=site, status=Status.CLOSED)
        await self._say(closed, by)
        return closed

    async def _say(self, shelter: Shelter, by: str) -> None:
        facts = {name: value for name, value in asdict(shelter).items() if name not in ("id", "source", "status", "as_of", "turned")}
        await self._feeds.say(shelter.id, open_=shelter.status is Status.OPEN, facts=json.dumps(facts, default=str), by=by)
        await self._board.refresh()

    def _county(self, opening: Opening) -> str:
        """The named one, else that of the ZIP code when it lies in one only."""
        if opening.county.strip():
            if found := self._gazetteer.county_named(opening.county):
                return found
            names = [name for name, _, _ in process.extract(fold(opening.county), list(self._gazetteer.counties), processor=fold, limit=NEAR_NAMES, score_cutoff=ALIKE)]
            raise NoShelter("unknown-county" if names else "no-such-county", {"county": opening.county.strip(), "near": ", ".join(names)})
        meanings = self._gazetteer.zips.get(opening.zip.strip()[:5], ())
        if len(meanings) != 1:
            raise NoShelter("county")
        return meanings[0].county


def name_of(word: Word) -> str:
    """What the shelter of a word is called."""
    try:
        return str(json.loads(word.facts)["name"])
    except (ValueError, KeyError, TypeError):
        return word.site


def number_of(shelter: Shelter) -> int:
    """A number that stays the shelter's own while others open and close, so that nobody closes the wrong one."""
    return NUMBERS[int.from_bytes(sha256(f"{shelter.source}:{shelter.id}".encode()).digest()[:4], "big") % len(NUMBERS)]
