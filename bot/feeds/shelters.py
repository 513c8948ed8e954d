"""The shelter feeds as sources that can be polled, and the one list that residents are answered from."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import httpx
from pydantic import TypeAdapter, ValidationError

from bot.directory.shelters import Shelter, ShelterList, Status
from bot.errors import FeedTrouble
from bot.feeds.arcgis import ask_all
from bot.feeds.asking import Answer
from bot.feeds.merging import filled, merged, same_site
from bot.feeds.placing import Placing
from bot.feeds.shelter_feeds import FEEDS, Listed, ShelterFeed
from bot.geo.tables import Gazetteer
from bot.store.feeds import Feeds, Kept, Word

log = logging.getLogger(__name__)

# FEMA's list is renewed every twenty minutes; asking twice as often shows a change after ten.
EVERY: Final = 600.0
REFRESH: Final = 15.0
# A list of which this share makes no sense has another form than the one we know.
MOST_UNREAD: Final = 0.5
# What a coordinator closed stays closed for so long, whatever a feed says that lags behind by up to a day; what one opened is told for FRESH_FOR.
CLOSED_HOLDS: Final = timedelta(days=3)
_SHELTER: Final = TypeAdapter(Shelter)


class ShelterSource:
    """One feed, to be polled."""

    every = EVERY

    def __init__(self, feed: ShelterFeed, client: httpx.AsyncClient, placing: Placing) -> None:
        self.name = feed.name
        self._feed = feed
        self._client = client
        self._placing = placing

    async def ask(self, etag: str, modified: str) -> Answer:
        return await ask_all(self._client, self._feed.request, etag=etag, modified=modified)

    def read(self, document: Any, now: datetime, before: Sequence[dict[str, Any]] | None = None) -> list[dict[str, Any]]:
        listed = self._feed.listed(document, self._placing, now)
        if listed.unread > MOST_UNREAD * len(document):
            raise FeedTrouble(f"{listed.unread} of {len(document)} rows make no sense")
        known = {shelter.id: shelter for item in before or () if (shelter := _of_item(item))}
        shown = [s if before is None else replace(s, turned=known[s.id].turned if s.id in known and known[s.id].status is s.status else now) for s in listed.shelters]
        return [_as_item(s, hidden=False) for s in shown] + [_as_item(s, hidden=True) for s in listed.hidden]


@dataclass(frozen=True, kw_only=True)
class Sources:
    """What the list is made of, as it was last read."""

    feeds: Mapping[str, Kept]
    words: Sequence[Word]


class ShelterBoard:
    """The list that residents are answered from, read from the database now and then: it is there after a restart, and the same on every Faro."""

    def __init__(self, feeds: Feeds, gazetteer: Gazetteer, clock: Callable[[], datetime]) -> None:
        self._feeds = feeds
        self._gazetteer = gazetteer
        self._clock = clock
        self._made_of: tuple[Shelter, ...] = ()
        self._list = ShelterList((), gazetteer)
        self.sources = Sources(feeds={}, words=())

    def with_rows(self, rows: tuple[Shelter, ...]) -> ShelterList:
        """The list, with what volunteers typed into shelters.csv."""
        if rows != self._made_of:
            self._made_of = rows
            self._make()
        return self._list

    async def refresh(self) -> None:
        feeds = {name: kept for name, kept in (await self._feeds.all()).items() if name in FEEDS}
        self.sources = Sources(feeds=feeds, words=await self._feeds.words())
        self._make()

    async def keep_fresh(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """For ever. While the database is away the last list stays, and grows old in the open."""
        while True:
            try:
                await self.refresh()
            except Exception as error:  # noqa: BLE001  whatever the database throws, the last list stays
                log.warning("the shelter list could not be read again: %s", type(error).__name__)
            await sleep(REFRESH)

    def _make(self) -> None:
        lists = [listed(kept) for kept in self.sources.feeds.values() if kept.good_at]
        published = merged([self._made_of, *(one.shelters for one in lists)], [h for one in lists for h in one.hidden])
        # A coordinator who has been there knows best, until a list says that it has filled or closed since; then what volunteers typed; then the feeds.
        spoken = [w for w in said_last(self.sources.words, self._clock()) if not (w.status is Status.OPEN and any(_ended(s, w) for s in published))]
        opened = [next((filled(w, s) for s in published if same_site(s, w)), w) for w in spoken if w.status is Status.OPEN]
        others = [s for s in published if not any(same_site(s, w) for w in spoken)]
        self._list = ShelterList([*opened, *others], self._gazetteer, [kept.good_at for kept in self.sources.feeds.values() if kept.good_at])


def listed(kept: Kept) -> Listed:
    """A kept list as shelters. Each is as old as the list: a feed that stopped does not stay fresh."""
    shown: list[Shelter] = []
    hidden: list[Shelter] = []
    for item in json.loads(kept.items):
        if shelter := _of_item(item, as_of=kept.good_at):
            (hidden if item.get("hidden") else shown).append(shelter)
    return Listed(shelters=tuple(shown), hidden=tuple(hidden))


def _of_item(item: dict[str, Any], **more: Any) -> Shelter | None:
    try:
        return _SHELTER.validate_python({**item["shelter"], **more})
    except (ValidationError, KeyError, TypeError):
        return None


def _as_item(shelter: Shelter, *, hidden: bool) -> dict[str, Any]:
    return {"shelter": _SHELTER.dump_python(shelter, mode="json"), "hidden": hidden}


def said_last(words: Sequence[Word], now: datetime) -> list[Shelter]:
    """The last word on each site, as far as it still holds; they come newest first."""
    last: list[Shelter] = []
    for shelter in (_of_word(word) for word in words if now - word.at < CLOSED_HOLDS):
        if shelter and not any(shelter.id == s.id or same_site(shelter, s) for s in last):
            last.append(shelter)
    return [s for s in last if s.status is Status.CLOSED or s.fresh(now)]


def _ended(listed: Shelter, opened: Shelter) -> bool:
    """Whether a list says that a site which a coordinator opened has filled or closed since. Lists lag: what one said all the time is no news."""
    return listed.status in (Status.FULL, Status.CLOSED) and listed.turned is not None and listed.turned > opened.as_of and same_site(listed, opened)


def _of_word(word: Word) -> Shelter | None:
    """A coordinator's word as a shelter; None when its facts cannot be read any more."""
    try:
        facts = json.loads(word.facts)
        return _SHELTER.validate_python({**facts, "id": word.site, "source": "faro", "status": Status.OPEN if word.open else Status.CLOSED, "as_of": word.at})
    except (ValidationError, ValueError, TypeError):
        return None
