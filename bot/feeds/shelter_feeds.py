"""The three published lists of shelters, each a small adapter that gives the same Shelter.

Fields as documented or seen in independent clients (docs/live.md). None of these services has been asked from here: the tests serve documents of their form.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from bot.directory.shelters import Pets, Shelter, Status
from bot.feeds.arcgis import Attributes, point, query, text, yes
from bot.feeds.asking import Request
from bot.feeds.placing import Place, Placing

STATUSES: Final = {"open": Status.OPEN, "full": Status.FULL, "alert": Status.STANDBY, "standby": Status.STANDBY, "closed": Status.CLOSED}
PETS: Final = {"cohabit": Pets.WITH_PEOPLE, "onsite": Pets.ON_SITE, "offsite": Pets.ELSEWHERE, "none": Pets.NO}
LONGEST: Final = 120

FEMA_FIELDS: Final = (
    *("shelter_id", "shelter_name", "address", "city", "state", "zip", "shelter_status"),
    *("wheelchair_accessible", "ada_compliant", "pet_accommodations_code", "latitude", "longitude"),
)
NSS_FIELDS: Final = (
    *("SHELTER_ID", "SHELTER_NAME", "ADDRESS_1", "CITY", "STATE", "ZIP", "SHELTER_STATUS_CODE"),
    *("WHEELCHAIR_ACCESSIBLE", "ADA_COMPLIANT", "PET_ACCOMMODATIONS_CODE", "ORG_HOTLINE_PHONE", "LATITUDE", "LONGITUDE"),
)
RED_CROSS_FIELDS: Final = (
    *("dataid", "active_shown_site_id", "active_site_name", "active_site_address", "active_city", "active_state", "active_zip"),
    *("active_site_status", "active_site_pet_shelter_type", "hide_from_public"),
)


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A list as a feed gave it: shelters, those that must be shown to nobody, and how many rows made no sense."""

    shelters: tuple[Shelter, ...] = ()
    hidden: tuple[Shelter, ...] = ()
    unread: int = 0


@dataclass(frozen=True, kw_only=True)
class ShelterFeed:
    """One published list. `read` makes a Shelter of a row, None of one that makes no sense or is of another State."""

    name: str
    request: Request
    read: Callable[[Attributes, Placing, datetime], Shelter | None]
    hides: Callable[[Attributes], bool] = field(default=lambda row: False)

    def listed(self, rows: Sequence[Any], placing: Placing, now: datetime) -> Listed:
        """The rows of a list, as they were at `now`. A status that we do not know is none that is told, and counts as unread."""
        read = [(row, self.read(row, placing, now)) for row in rows]
        known = [(row, shelter) for row, shelter in read if shelter]
        return Listed(
            shelters=tuple(s for row, s in known if not self.hides(row)),
            hidden=tuple(s for row, s in known if self.hides(row)),
            unread=len(read) - sum(s.status is not Status.UNKNOWN or self.hides(row) for row, s in known),
        )


def fema(url: str) -> ShelterFeed:
    """FEMA's OpenShelters. It has no county and no time of each row."""
    return ShelterFeed(name="fema", request=query(url, where="state='NC'", fields=FEMA_FIELDS), read=_fema)


def nss(url: str) -> ShelterFeed:
    """The National Shelter System's layer."""
    return ShelterFeed(name="nss", request=query(url, where="STATE='NC'", fields=NSS_FIELDS), read=_nss)


def red_cross(url: str) -> ShelterFeed:
    """The Red Cross layer, which alone says what must not be shown to the public."""
    request = query(url, where="active_state='NC'", fields=RED_CROSS_FIELDS, geometry=True, headers={"Referer": "https://www.redcross.org/"})
    return ShelterFeed(name="red-cross", request=request, read=_red_cross, hides=_hidden)


FEEDS: Final[Mapping[str, Callable[[str], ShelterFeed]]] = {"fema": fema, "nss": nss, "red-cross": red_cross}


def _fema(row: Attributes, placing: Placing, now: datetime) -> Shelter | None:
    return _shelter(
        "fema",
        placing,
        now,
        id_=text(row, "shelter_id"),
        name=text(row, "shelter_name"),
        status=text(row, "shelter_status"),
        address=text(row, "address"),
        city=text(row, "city"),
        zip_=text(row, "zip"),
        at=point(row),
        pets=text(row, "pet_accommodations_code"),
        wheelchair=_either(yes(row, "wheelchair_accessible"), yes(row, "ada_compliant")),
    )


def _nss(row: Attributes, placing: Placing, now: datetime) -> Shelter | None:
    return _shelter(
        "nss",
        placing,
        now,
        id_=text(row, "SHELTER_ID"),
        name=text(row, "SHELTER_NAME"),
        status=text(row, "SHELTER_STATUS_CODE"),
        address=text(row, "ADDRESS_1"),
        city=text(row, "CITY"),
        zip_=text(row, "ZIP"),
        phone=text(row, "ORG_HOTLINE_PHONE"),
        at=point(row, "LATITUDE", "LONGITUDE"),
        pets=text(row, "PET_ACCOMMODATIONS_CODE"),
        wheelchair=_either(yes(row, "WHEELCHAIR_ACCESSIBLE"), yes(row, "ADA_COMPLIANT")),
    )


def _hidden(row: Attributes) -> bool:
    """Whatever is not plainly for the public is not."""
    return text(row, "hide_from_public").lower() != "no"


def _red_cross(row: Attributes, placing: Placing, now: datetime) -> Shelter | None:
    return _shelter(
        "red-cross",
        placing,
        now,
        id_=text(row, "dataid") or text(row, "active_shown_site_id"),
        name=text(row, "active_site_name"),
        status=text(row, "active_site_status"),
        address=text(row, "active_site_address"),
        city=text(row, "active_city"),
        zip_=text(row, "active_zip"),
        at=point(row),
        pets=text(row, "active_site_pet_shelter_type"),
        wheelchair=None,
        anywhere=_hidden(row),
    )


def _either(first: bool | None, second: bool | None) -> bool | None:
    """The wheelchair's own field counts; the general one only where that is silent."""
    return second if first is None else first


def _shelter(
    source: str,
    placing: Placing,
    now: datetime,
    *,
    id_: str,
    name: str,
    status: str,
    address: str,
    city: str,
    zip_: str,
    at: tuple[float, float] | None,
    pets: str,
    wheelchair: bool | None,
    phone: str = "",
    anywhere: bool = False,
) -> Shelter | None:
    """A row that has a name and a place in North Carolina; else None, since a guess could send somebody to a closed door. What is to be hidden may be `anywhere`: it is told to nobody."""
    place = placing.of(at, zip_) or (Place(county="", point=None) if anywhere else None)
    if not (name and place):
        return None
    return Shelter(
        id=id_ or f"{name} {zip_}",
        source=source,
        name=name[:LONGEST],
        county=place.county,
        status=STATUSES.get(status.lower(), Status.UNKNOWN),
        as_of=now,
        address=address[:LONGEST],
        city=city[:LONGEST],
        zip=zip_[:5],
        phone=phone[:30],
        point=place.point,
        pets=PETS.get(pets.lower()),
        wheelchair=wheelchair,
    )
