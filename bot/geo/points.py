"""Which county a shared location lies in, and how far things are."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from math import asin, cos, radians, sin, sqrt

from shapely import Polygon, STRtree, from_geojson, get_parts
from shapely.geometry import Point

# The simplified polygons may differ from the legal line by this much (data/README.md): nearer than that, Faro asks.
NEAR_BORDER_DEGREES = 0.0007
EARTH_MILES = 3958.8


class CountyMap:
    """The 100 county polygons, water included."""

    def __init__(self) -> None:
        shapes = county_shapes()
        self._names = list(shapes)
        self._tree = STRtree(list(shapes.values()))

    def counties_at(self, latitude: float, longitude: float) -> tuple[str, ...]:
        """The county of a point first, then those so near that it may be theirs; empty outside North Carolina."""
        point = Point(longitude, latitude)
        inside = [self._names[i] for i in self._tree.query(point, predicate="intersects")]
        near = [self._names[i] for i in self._tree.query(point.buffer(NEAR_BORDER_DEGREES), predicate="intersects")]
        return tuple(dict.fromkeys([*inside, *near])) if inside else ()


@cache
def county_shapes() -> Mapping[str, Polygon]:
    """Each county's polygon, read once in a process."""
    text = (files("bot.geo") / "data" / "counties.geojson").read_text(encoding="utf-8")
    names = [feature["properties"]["name"] for feature in json.loads(text)["features"]]
    return dict(zip(names, get_parts(from_geojson(text)), strict=True))


def miles(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Distance over the ground of two (latitude, longitude) points, in miles."""
    (lat1, lon1), (lat2, lon2) = ((radians(x), radians(y)) for x, y in (a, b))
    h = sin((lat2 - lat1) / 2) ** 2 + cos(lat1) * cos(lat2) * sin((lon2 - lon1) / 2) ** 2
    return 2 * EARTH_MILES * asin(sqrt(h))
