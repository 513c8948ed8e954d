"""Which counties a service is for: what its service areas say, else where it is."""

import re
from typing import Final

from bot.directory.rows import STATEWIDE
from bot.directory.shelters import Point
from bot.feeds.placing import Placing
from bot.geo.tables import Gazetteer, fold
from bot.standards.package import Entity
from bot.standards.services import held, listed, places, text

STATE: Final = "37"
_STATE_NAMES: Final = frozenset(("nc", "north carolina", "state of north carolina", "statewide", "statewide nc", "entire state", "all of north carolina", "all counties"))
_FIPS = re.compile(r"\bFIPS\W{0,3}(37\d{3}|37)\b", re.IGNORECASE)
_OF_STATE = re.compile(r"[,\s]+(?:NC|N\.C\.|North Carolina)(?:,?\s+(?:USA?|United States))?\s*$", re.IGNORECASE)


class Counties:
    """Names counties of North Carolina, or says STATEWIDE; nothing when nothing is certain."""

    def __init__(self, gazetteer: Gazetteer, placing: Placing) -> None:
        self._gazetteer = gazetteer
        self._placing = placing
        self._by_fips = {county.fips: name for name, county in gazetteer.counties.items()}

    def of(self, service: Entity) -> list[str]:
        areas = [*listed(service, "service_areas"), *(area for at in listed(service, "service_at_locations") for area in listed(at, "service_areas"))]
        found = {name for area in areas for name in self._of_area(area)} or {name for place in places(service) if (name := self._of_place(place))}
        return [STATEWIDE] if STATEWIDE in found or len(found) == len(self._gazetteer.counties) else sorted(found)

    def _of_area(self, area: Entity) -> set[str]:
        attributes = {text(one, "value") for one in listed(area, "attributes") if "fips" in text(held(one, "taxonomy_term"), "code").lower()}
        written = " ".join(text(area, name) for name in ("extent", "uri", "description", "name"))
        codes = {code.removeprefix("US") for code in attributes} | set(_FIPS.findall(written))
        if STATE in codes:
            return {STATEWIDE}
        if known := {self._by_fips[code] for code in codes if code in self._by_fips}:
            return known
        texts = [text(area, "name"), text(area, "extent") if text(area, "extent_type") in ("", "text") else ""]
        return next((named for one in texts if (named := self._named(one))), set())

    def _named(self, area: str) -> set[str]:
        """'Buncombe and Madison Counties, NC'. Where one part is no county of ours, nothing is believed: there are Madison Counties elsewhere."""
        if fold(area) in _STATE_NAMES:
            return {STATEWIDE}
        parts = [part for part in re.split(r",|;|&|\band\b", _OF_STATE.sub("", area)) if part.strip()]
        names = [self._gazetteer.county_named(re.sub(r"\bcount(?:y|ies)\b", "", part, flags=re.IGNORECASE)) for part in parts]
        return {name for name in names if name} if all(names) else set()

    def _of_place(self, location: Entity) -> str | None:
        zip_code = next((code for one in listed(location, "addresses") if (code := text(one, "postal_code"))), "")
        found = self._placing.of(_point(location), zip_code)
        return found.county if found else None


def _point(location: Entity) -> Point | None:
    try:
        point = float(text(location, "latitude")), float(text(location, "longitude"))
    except ValueError:
        return None
    return point if -90 <= point[0] <= 90 and -180 <= point[1] <= 180 else None
