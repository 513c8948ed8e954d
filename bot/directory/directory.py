"""The contacts of a county: its own, the State's, the nearest neighbour's when it has none."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.directory.rows import STATEWIDE, Row
from bot.geo.points import miles
from bot.geo.tables import County
from bot.messages import Contact, Language

SHELTER_LIFETIME = timedelta(hours=12)


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
        self._by_id = {row["id"]: row for row in rows}
        self._by_place: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for row in rows:
            if row.trusted:
                self._by_place[row.kind, row.county].append(row)

    def line(self, id_: str, language: Language) -> Contact | None:
        """One contact by its id, whatever its county; None when it is unknown or not to be trusted."""
        row = self._by_id.get(id_)
        return row.contact(language) if row and row.trusted else None

    def of_county(self, kind: str, county: str, language: Language, now: datetime) -> Answer:
        """Contacts of a kind for one county, as they may be told at this moment."""
        own = self._told(kind, county, language, now)
        neighbour, nearby = (None, ()) if own else self._nearest(kind, county, language, now)
        return Answer(own=own, neighbour=neighbour, nearby=nearby, statewide=self._told(kind, STATEWIDE, language, now))

    def _told(self, kind: str, county: str, language: Language, now: datetime) -> tuple[Contact, ...]:
        """The rows that may be told now, those with a number first, then those with a website."""
        rows = [row for row in self._by_place[kind, county] if kind != "shelter" or is_open(row, now)]
        return tuple(row.contact(language) for row in sorted(rows, key=lambda r: (not r["phone"], not r["website"])))

    def _nearest(self, kind: str, county: str, language: Language, now: datetime) -> tuple[str | None, tuple[Contact, ...]]:
        here = self._counties[county]
        for name in sorted(here.neighbors, key=lambda n: self._distance(here, self._counties[n])):
            if found := self._told(kind, name, language, now):
                return name, found
        return None, ()

    @staticmethod
    def _distance(a: County, b: County) -> float:
        return miles((a.latitude, a.longitude), (b.latitude, b.longitude))


def is_open(row: Row, now: datetime) -> bool:
    """Whether a shelter may be told as open: it has begun, has not ended, and was confirmed in the last 12 hours."""
    as_of, until, since = row.moment("as_of"), row.moment("open_until"), row.moment("open_from")
    if as_of is None or not now - SHELTER_LIFETIME <= as_of <= now + timedelta(minutes=5):
        return False
    if row["open_until"] and (until is None or until <= now):
        return False
    return not row["open_from"] or (since is not None and since <= now)
