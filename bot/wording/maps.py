"""A place as a link to OpenStreetMap, in the one form that all answers use (docs/live.md)."""

import re

BASE = "https://www.openstreetmap.org"
_POINT = re.compile(r"(-?\d{1,2}\.\d+),(-?\d{1,3}\.\d+)")


def map_link(place: str) -> str:
    """Of 'latitude,longitude' a marker there; of an address a search for it."""
    if point := _POINT.fullmatch(place):
        return f"{BASE}/?mlat={point[1]}&mlon={point[2]}#map=16/{point[1]}/{point[2]}"
    words = re.sub(r"[^\w,.]+", "+", place)
    return f"{BASE}/search?query={words}"
