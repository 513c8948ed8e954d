"""Several lists of shelters made one: the same site once, hidden ones nowhere, and open only when no list says otherwise."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from rapidfuzz import fuzz

from bot.directory.shelters import FRESH_FOR, Shelter, Status
from bot.geo.points import miles
from bot.geo.tables import fold

# Two rows are one site when they lie this near (miles) and are called alike (0 to 100), or share street and ZIP code. A degree is at least 55 miles here.
SAME_PLACE: Final = 0.3
SAME_NAME: Final = 80
BOX: Final = SAME_PLACE / 55
# These two give out the same numbers.
ONE_SYSTEM: Final = frozenset({"fema", "nss"})
WORST_FIRST: Final = (Status.CLOSED, Status.UNKNOWN, Status.FULL, Status.STANDBY, Status.OPEN)
SHORTENED: Final = {"road": "rd", "street": "st", "avenue": "ave", "drive": "dr", "highway": "hwy", "boulevard": "blvd", "lane": "ln", "north": "n", "south": "s", "east": "e", "west": "w"}


def merged(lists: Sequence[Iterable[Shelter]], hidden: Iterable[Shelter]) -> list[Shelter]:
    """One list of all, the first lists' words before the later ones'."""
    hides = list(hidden)
    found: list[Shelter] = []
    for shelter in (s for one in lists for s in one):
        if any(same_site(shelter, h) for h in hides):
            continue
        twin = next((n for n, known in enumerate(found) if same_site(shelter, known)), None)
        if twin is None:
            found.append(shelter)
        else:
            found[twin] = _both(found[twin], shelter)
    return found


def same_site(a: Shelter, b: Shelter) -> bool:
    """Whether two rows are about one place. In doubt they are: a site that is shown once too seldom harms less than a closed or hidden one that is shown."""
    if a.id == b.id and {a.source, b.source} <= ONE_SYSTEM:
        return True
    if a.address and a.zip == b.zip and a.county == b.county and _street(a) == _street(b):
        return True
    if not _may_be_near(a, b):
        return False
    # Where nothing says in which county a hidden one lies, its whole name must fit: else 'Shelter' would hide every shelter.
    alike = fuzz.token_set_ratio if a.county and b.county else fuzz.token_sort_ratio
    return bool(alike(fold(a.name), fold(b.name)) >= SAME_NAME)


def _may_be_near(a: Shelter, b: Shelter) -> bool:
    """By their points; where one has none, by ZIP code and county, each as far as it is known."""
    if a.point and b.point:
        return abs(a.point[0] - b.point[0]) < BOX and abs(a.point[1] - b.point[1]) < BOX and miles(a.point, b.point) <= SAME_PLACE
    return all(x == y or not (x and y) for x, y in ((a.zip, b.zip), (a.county, b.county)))


def _street(shelter: Shelter) -> str:
    return " ".join(SHORTENED.get(word, word) for word in fold(shelter.address).split())


def filled(first: Shelter, second: Shelter) -> Shelter:
    """The first, with what only the second knows of the site."""
    return replace(
        first,
        address=first.address or second.address,
        city=first.city or second.city,
        zip=first.zip or second.zip,
        phone=first.phone or second.phone,
        point=first.point or second.point,
        pets=first.pets or second.pets,
        wheelchair=second.wheelchair if first.wheelchair is None else first.wheelchair,
    )


def _both(first: Shelter, second: Shelter) -> Shelter:
    """What both know. When they differ on whether it is open, it is not; what one said long before the other counts no more."""
    newer, older = sorted((first, second), key=lambda s: s.as_of, reverse=True)
    if newer.as_of - older.as_of >= FRESH_FOR:
        return replace(filled(first, second), status=newer.status, turned=newer.turned, as_of=newer.as_of, since=newer.since, until=newer.until)
    worse = min(first, second, key=lambda s: WORST_FIRST.index(s.status))
    return replace(filled(first, second), status=worse.status, turned=worse.turned, as_of=newer.as_of, since=first.since or second.since, until=first.until or second.until)
