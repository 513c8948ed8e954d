"""Where to sleep tonight: open shelters of every source, each with when it was last known to be open."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from math import atan2, cos, degrees, radians, sin

from bot.geo.points import miles
from bot.geo.tables import Gazetteer

# What was known longer ago than this is not told as open.
FRESH_FOR = timedelta(hours=12)
# Clocks differ; what was said longer than this before its time is a slip of the pen.
AHEAD = timedelta(minutes=5)
POINTS_OF_THE_COMPASS = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")

Point = tuple[float, float]


class Status(StrEnum):
    """What a shelter is. Only OPEN is told to residents."""

    OPEN = "open"
    FULL = "full"
    STANDBY = "standby"
    UNKNOWN = "unknown"
    CLOSED = "closed"


class Pets(StrEnum):
    """Where animals may stay."""

    WITH_PEOPLE = "with-people"
    ON_SITE = "on-site"
    ELSEWHERE = "elsewhere"
    NO = "no"


@dataclass(frozen=True, kw_only=True)
class Shelter:
    """One site, as its source tells it. `point` is latitude and longitude; `as_of` when the source last said so, `turned` when it was first seen to say so (None: not known); `pets` and `wheelchair` are None when it does not say."""

    id: str
    source: str
    name: str
    county: str
    status: Status
    as_of: datetime
    address: str = ""
    city: str = ""
    zip: str = ""
    phone: str = ""
    point: Point | None = None
    pets: Pets | None = None
    wheelchair: bool | None = None
    since: datetime | None = None
    until: datetime | None = None
    turned: datetime | None = None

    def open_at(self, now: datetime) -> bool:
        """Whether its source says that it is open at this time, however long ago it said so."""
        return self.status is Status.OPEN and (self.since is None or self.since <= now) and (self.until is None or now < self.until)

    def fresh(self, now: datetime) -> bool:
        """Whether its source said so lately enough to be told."""
        return -AHEAD <= now - self.as_of < FRESH_FOR


@dataclass(frozen=True, kw_only=True)
class Near:
    """A shelter and how far it is from where somebody is: miles, and a point of the compass ('NE'); None when that is not known well enough."""

    shelter: Shelter
    distance: float | None = None
    direction: str | None = None


@dataclass(frozen=True, kw_only=True)
class Found:
    """The open shelters of a county, nearest first; `elsewhere` only when it has none. `old`: it has none, and what the lists say of it is older than FRESH_FOR."""

    here: tuple[Near, ...] = ()
    elsewhere: tuple[Near, ...] = ()
    old: bool = False


class ShelterList:
    """One reading of all sources: never changed, replaced as a whole. `read`: when each public list was last good."""

    def __init__(self, shelters: Sequence[Shelter], gazetteer: Gazetteer, read: Sequence[datetime] = ()) -> None:
        self._shelters = tuple(shelters)
        self._gazetteer = gazetteer
        self._read = tuple(read)

    def __len__(self) -> int:
        return len(self._shelters)

    def all(self) -> tuple[Shelter, ...]:
        return self._shelters

    def find(self, county: str, now: datetime, *, point: Point | None = None, most: int = 3) -> Found:
        """Open ones of a county, nearest to the point; else the nearest of other counties."""
        is_open = [s for s in self._shelters if s.open_at(now)]
        fresh = [s for s in is_open if s.fresh(now)]
        origin = point or self._middle(county)
        ranked = sorted((self._near(s, origin) for s in fresh), key=lambda n: (n.distance or 0.0, n.shelter.name))
        here = [n if point and n.shelter.point else replace(n, distance=None, direction=None) for n in ranked if n.shelter.county == county]
        elsewhere = [n for n in ranked if n.shelter.county != county]
        stale = any(s.county == county and not s.fresh(now) for s in is_open) or (bool(self._read) and max(self._read) <= now - FRESH_FOR)
        return Found(here=tuple(here[:most]), elsewhere=() if here else tuple(elsewhere[:most]), old=stale and not here)

    def open_now(self, now: datetime) -> list[Shelter]:
        """All that residents are told of, by county and name."""
        return sorted((s for s in self._shelters if s.open_at(now) and s.fresh(now)), key=lambda s: (s.county, s.name, s.id))

    def _near(self, shelter: Shelter, origin: Point) -> Near:
        """Where a site itself is not known, the middle of its ZIP code or of its county stands for it."""
        there = shelter.point or self._gazetteer.zip_points.get(shelter.zip) or self._middle(shelter.county)
        return Near(shelter=shelter, distance=miles(origin, there), direction=direction(origin, there))

    def _middle(self, county: str) -> Point:
        there = self._gazetteer.counties[county]
        return there.latitude, there.longitude


def direction(a: Point, b: Point) -> str:
    """In which of eight directions b lies, seen from a."""
    (lat1, lon1), (lat2, lon2) = ((radians(x), radians(y)) for x, y in (a, b))
    east, north = sin(lon2 - lon1) * cos(lat2), cos(lat1) * sin(lat2) - sin(lat1) * cos(lat2) * cos(lon2 - lon1)
    return POINTS_OF_THE_COMPASS[round(degrees(atan2(east, north)) / 45) % 8]
