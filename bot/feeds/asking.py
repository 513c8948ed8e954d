"""Asks a feed politely: says who asks, fetches nothing twice, reads nothing endless, and tells every kind of trouble by a word."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from bot.errors import FeedTrouble

# The National Weather Service refuses who does not say who asks; the address is where a person is found.
WHO_ASKS: Final = "Faro disaster-resource bot"
PATIENCE: Final = 30.0
LARGEST: Final = 20_000_000


@dataclass(frozen=True, kw_only=True)
class Request:
    """Where a feed is, and what is asked of it."""

    url: str
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    patience: float = PATIENCE


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a feed said. `document` is None when nothing has changed since the last time."""

    document: Any = field(repr=False)
    etag: str = ""
    modified: str = ""


async def ask(client: httpx.AsyncClient, request: Request, *, etag: str = "", modified: str = "") -> Answer:
    """One document of a feed. Raises FeedTrouble."""
    known = {name: value for name, value in (("If-None-Match", etag), ("If-Modified-Since", modified)) if value}
    try:
        async with asyncio.timeout(request.patience), client.stream("GET", request.url, params=dict(request.params), headers={**request.headers, **known}) as answer:
            if answer.status_code == httpx.codes.NOT_MODIFIED and known:
                return Answer(document=None, etag=etag, modified=modified)
            if not answer.is_success:
                raise FeedTrouble(f"HTTP {answer.status_code}", wait=_wait(answer))
            body = bytearray()
            async for piece in answer.aiter_bytes():
                body += piece
                if len(body) > LARGEST:
                    raise FeedTrouble("the answer does not end")
            # A proxy may cut an answer short without a word: what is not whole JSON is no answer.
            return Answer(document=json.loads(body), etag=answer.headers.get("etag", "")[:200], modified=answer.headers.get("last-modified", "")[:60])
    except (httpx.HTTPError, TimeoutError) as error:
        raise FeedTrouble(f"out of reach ({type(error).__name__})") from None
    except (ValueError, RecursionError):
        raise FeedTrouble("the answer is not whole JSON") from None


def _wait(answer: httpx.Response) -> float | None:
    asked = answer.headers.get("retry-after", "")
    return float(asked) if asked.isdigit() else None
