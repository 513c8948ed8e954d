"""The counties' outlines for a picture: simplified together, so that neighbours keep sharing their border."""

from collections.abc import Mapping
from functools import cache
from itertools import pairwise
from math import cos, radians

from shapely import coverage_simplify

from bot.geo.points import county_shapes

# About half a kilometre: nothing that shows at the size of a screen.
TOLERANCE_DEGREES = 0.005
MIDDLE_LATITUDE = 35.5
WIDTH, HEIGHT = 1000, 394
_WEST, _EAST, _NORTH = -84.34, -75.38, 36.61
_SCALE = WIDTH / (_EAST - _WEST)


@cache
def county_outlines() -> Mapping[str, str]:
    """For each county its outline as the `d` of an SVG path, in a picture of WIDTH x HEIGHT. Drawn once in a process."""
    counties = county_shapes()
    shapes = coverage_simplify(list(counties.values()), TOLERANCE_DEGREES)
    return {name: _path(shape.exterior.coords) for name, shape in zip(counties, shapes, strict=True)}


def _path(coordinates: list[tuple[float, float]]) -> str:
    """Whole tenths of a pixel from point to point: short, and without a gap between neighbours."""
    points = [(round(10 * _SCALE * (lon - _WEST)), round(10 * _SCALE * (_NORTH - lat) / cos(radians(MIDDLE_LATITUDE)))) for lon, lat in coordinates]
    steps = [(x2 - x1, y2 - y1) for (x1, y1), (x2, y2) in pairwise(points) if (x1, y1) != (x2, y2)]
    return f"M{points[0][0] / 10:g} {points[0][1] / 10:g}l{' '.join(f'{x / 10:g} {y / 10:g}' for x, y in steps[:-1])}z"
