"""What all layers on ArcGIS have in common: pages, errors that come with HTTP 200, blanks that are ' ', numbers that are text."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import httpx

from bot.errors import FeedTrouble
from bot.feeds.asking import Answer, Request, ask

MOST_PAGES: Final = 20
Attributes = Mapping[str, Any]


def query(url: str, *, where: str, fields: Sequence[str], geometry: bool = False, headers: Mapping[str, str] | None = None) -> Request:
    """A query of a layer for these fields alone: what is not needed, such as the names of persons, is not asked for. `geometry`: where its points stand in no field."""
    points = {"returnGeometry": "true", "outSR": "4326"} if geometry else {"returnGeometry": "false"}
    return Request(url=url, params={"where": where, "outFields": ",".join(fields), "f": "json", **points}, headers=headers or {})


async def ask_all(client: httpx.AsyncClient, request: Request, *, etag: str = "", modified: str = "") -> Answer:
    """All rows of a layer as one list, page by page; `document` is None when nothing has changed. Raises FeedTrouble, also when a later page fails: half a list is no list."""
    first = answer = await ask(client, request, etag=etag, modified=modified)
    if first.document is None:
        return first
    rows: list[Attributes] = []
    for _ in range(MOST_PAGES):
        page = attributes(answer.document)
        rows += page
        if not answer.document.get("exceededTransferLimit"):
            # The mark of the first page says nothing of the others.
            return replace(first, document=rows) if answer is first else Answer(document=rows)
        if not page:
            raise FeedTrouble("a page is empty though more are announced")
        answer = await ask(client, replace(request, params={**request.params, "resultOffset": str(len(rows))}))
    raise FeedTrouble("the pages do not end")


def attributes(document: Any) -> list[Attributes]:
    """The rows of one page. Raises FeedTrouble for an error that came with HTTP 200, and for another form."""
    if isinstance(document, Mapping) and "error" in document:
        code = document["error"].get("code") if isinstance(document["error"], Mapping) else None
        raise FeedTrouble(f"the service says error {code}" if isinstance(code, int) else "the service says error")
    features = document.get("features") if isinstance(document, Mapping) else None
    if not isinstance(features, list):
        raise FeedTrouble("the answer has another form")
    return [_row(feature) for feature in features]


def _row(feature: Any) -> Attributes:
    row = feature.get("attributes") if isinstance(feature, Mapping) else None
    if not isinstance(row, Mapping):
        raise FeedTrouble("the answer has another form")
    at = feature.get("geometry")
    return {**row, "longitude": at.get("x"), "latitude": at.get("y")} if isinstance(at, Mapping) else row


def text(row: Attributes, name: str) -> str:
    """A field as text: blanks, None and numbers included."""
    value = row.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    said = " ".join(str(value).split())
    return "" if said.lower() in ("null", "none", "n/a") else said


def point(row: Attributes, latitude: str = "latitude", longitude: str = "longitude") -> tuple[float, float] | None:
    """Latitude and longitude, None unless both are numbers that can be."""
    try:
        found = float(row[latitude]), float(row[longitude])
    except (KeyError, TypeError, ValueError):
        return None
    return found if abs(found[0]) <= 90 and abs(found[1]) <= 180 else None


def yes(row: Attributes, name: str) -> bool | None:
    """YES, NO, Y, N, or not said."""
    return {"yes": True, "y": True, "true": True, "no": False, "n": False, "false": False}.get(text(row, name).lower())
