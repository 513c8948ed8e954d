"""The contacts of a county: its own, the State's, the nearest neighbour's when it has none."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.directory.rows import STATEWIDE, Row
from bot.directory.shelters import Shelter, Status
from bot.geo.points import miles
from bot.geo.tables import County
from bot.messages import Contact, Language

ZIP = re.compile(r"(?<!\d)(?:27|28)\d{3}(?!\d)")
NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a county has of one kind. `neighbour` is named, and its rows given, only when the county has none."""

    own: tuple[Contact, ...] = ()
    neighbour: str | None = None
    nearby: tuple[Contact, ...] = ()
    statewide: tuple[Contact, ...] = ()


class Directory:
    """One reading of the contact tables: never changed, replaced as a whole."""

    def __init__(self, rows: Sequence[Row], counties: dict[str, County]) -> None:
        self._counties = counties
        self._shelters = tuple(_shelter(row) for row in rows if row.kind == "shelter" and row.trusted and row.county in counties and row.moment("as_of"))
        self._by_id = {row["id"]: row for row in rows}
        self._by_place: dict[tuple[str, str], list[Row]] = defaultdict(list)
        self._told_before: dict[tuple[str, str, Language], tuple[Contact, ...]] = {}
        for row in rows:
            if row.trusted:
                self._by_place[row.kind, row.county].append(row)

    def line(self, id_: str, language: Language) -> Contact | None:
        """One contact by its id, whatever its county; None when it is unknown or not to be trusted."""
        row = self._by_id.get(id_)
        return row.contact(language) if row and row.trusted else None

    def shelters(self) -> tuple[Shelter, ...]:
        """What volunteers typed into shelters.csv, as shelters."""
        return self._shelters

    def knows(self, id_: str) -> bool:
        """Whether a row of this id was read, to be trusted or not."""
        return id_ in self._by_id

    def of_county(self, kind: str, county: str, language: Language, now: datetime) -> Answer:
        """Contacts of a kind for one county, as they may be told at this moment."""
        own = self._told(kind, county, language, now)
        neighbour, nearby = (None, ()) if own else self._nearest(kind, county, language, now)
        return Answer(own=own, neighbour=neighbour, nearby=nearby, statewide=self._told(kind, STATEWIDE, language, now))

    def _told(self, kind: str, county: str, language: Language, now: datetime) -> tuple[Contact, ...]:
        """The rows that may be told, those with a number first, then those with a website. The same at any time, and so worked out once."""
        place = (kind, county, language)
        if place not in self._told_before:
            rows = sorted(self._by_place[kind, county], key=lambda r: (not r["phone"], not r["website"]))
            self._told_before[place] = tuple(row.contact(language) for row in rows)
        return self._told_before[place]

    def _nearest(self, kind: str, county: str, language: Language, now: datetime) -> tuple[str | None, tuple[Contact, ...]]:
        here = self._counties[county]
        for name in sorted(here.neighbors, key=lambda n: self._distance(here, self._counties[n])):
            if found := self._told(kind, name, language, now):
                return name, found
        return None, ()

    @staticmethod
    def _distance(a: County, b: County) -> float:
        return miles((a.latitude, a.longitude), (b.latitude, b.longitude))


def _shelter(row: Row) -> Shelter:
    """A row as a shelter: not open before its time has come, nor with an end that cannot be read."""
    since, until = row.moment("open_from"), row.moment("open_until")
    unclear = (row["open_from"] and since is None) or (row["open_until"] and until is None)
    return Shelter(
        id=row["id"],
        source="volunteers",
        name=row["name"],
        county=row.county,
        status=Status.CLOSED if unclear else Status.OPEN,
        as_of=row.moment("as_of") or NEVER,
        address=row["address"],
        zip=zips[-1] if (zips := ZIP.findall(row["address"])) else "",
        phone=row["phone"],
        since=since,
        until=until,
    )
