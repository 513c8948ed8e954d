"""In which county a published site lies: by its point and our own polygons, else by its ZIP code."""

from dataclasses import dataclass

from bot.directory.shelters import Point
from bot.geo.points import CountyMap
from bot.geo.tables import Gazetteer


@dataclass(frozen=True, kw_only=True)
class Place:
    """A county, and the point when it is to be trusted: the middle of a ZIP code is nobody's point."""

    county: str
    point: Point | None


class Placing:
    """Finds counties. A feed's own county is not read: the lists spell it in many ways, and some have none."""

    def __init__(self, counties: CountyMap, gazetteer: Gazetteer) -> None:
        self._counties = counties
        self._gazetteer = gazetteer

    def of(self, point: Point | None, zip_code: str) -> Place | None:
        """None outside North Carolina, and where nothing says for certain."""
        if point and (found := self._counties.counties_at(*point)):
            return Place(county=found[0], point=point)
        meanings = self._gazetteer.zips.get(zip_code[:5], ())
        return Place(county=meanings[0].county, point=None) if len(meanings) == 1 else None
