"""Asks each feed again and again, one Faro of many, and keeps its last good list; tells when a list cannot be trusted."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from random import random
from typing import Any, Final, Protocol

from bot.errors import FeedTrouble
from bot.feeds.asking import Answer
from bot.store.feeds import Feeds, Kept
from bot.store.lease import Lease

log = logging.getLogger(__name__)

# Nobody holds a lease for longer than some seconds; between two questions it is renewed this often.
STEP: Final = 5.0
LONGEST_PAUSE: Final = 1800.0
# A list of so many rows that suddenly has under a tenth of them is kept as it was, until it said so this often.
MANY, FEW, BELIEVED_AFTER = 10, 0.1, 3


class Source(Protocol):
    """What is asked. `read` makes JSON-ready items of an answer (`before`: those of the last good one, None at the first), and raises FeedTrouble when most rows make no sense."""

    name: str
    every: float

    async def ask(self, etag: str, modified: str) -> Answer: ...
    def read(self, document: Any, now: datetime, before: Sequence[dict[str, Any]] | None = None) -> list[dict[str, Any]]: ...


@dataclass(frozen=True, kw_only=True)
class Heard:
    """What is kept of a feed after it was asked, and how long it is then left alone."""

    kept: Kept
    pause: float


class Poller:
    """Of one feed."""

    def __init__(self, source: Source, feeds: Feeds, lease: Lease, clock: Callable[[], datetime], sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._source = source
        self._feeds = feeds
        self._lease = lease
        self._clock = clock
        self._sleep = sleep
        self._failures = self._losses = 0

    async def run(self) -> None:
        """For ever. Whatever happens to one feed, the others and all answers go on."""
        pause = 0.0
        while True:
            try:
                mine = await self._lease.hold()
                if mine and pause <= 0:
                    pause = await self.once()
            except Exception as error:  # noqa: BLE001  whatever the database throws, it is asked again when it is back
                log.error("the feed %s could not be kept: %s", self._source.name, type(error).__name__)
                pause = self._source.every
            await self._sleep(STEP)
            pause -= STEP

    async def once(self) -> float:
        """Asks, and keeps what was heard. Gives the seconds until the next time."""
        name, now = self._source.name, self._clock()
        known = (await self._feeds.all()).get(name)
        # Another Faro, or this one before it was started again, may have asked a moment ago.
        if known and (left := self._source.every / 2 - abs((now - known.asked_at).total_seconds())) > 0:
            return left
        before = known or Kept(name=name, asked_at=now)
        heard = await self._heard(before, now)
        await self._feeds.keep(heard.kept)
        if heard.kept.trouble and heard.kept.trouble != before.trouble:
            log.warning("the feed %s: %s; the last good list stays", name, heard.kept.trouble)
        return heard.pause

    async def _heard(self, before: Kept, now: datetime) -> Heard:
        try:
            answer = await self._source.ask(before.etag, before.modified)
            items = None if answer.document is None else self._source.read(answer.document, now, json.loads(before.items) if before.good_at else None)
        except FeedTrouble as trouble:
            self._failures += 1
            pause = min(LONGEST_PAUSE, max(trouble.wait or 0.0, self._source.every * 2 ** min(self._failures - 1, 6)))
            return Heard(kept=replace(before, asked_at=now, trouble=trouble.reason), pause=_jittered(pause))
        self._failures = 0
        pause = _jittered(self._source.every)
        if items is None:
            # Nothing has changed: what was true is true now. Only a list that was believed has a mark to be asked by.
            return Heard(kept=replace(before, asked_at=now, good_at=now, trouble=""), pause=pause)
        if self._lost(before, len(items)):
            return Heard(kept=replace(before, asked_at=now, etag="", modified="", trouble=f"{len(json.loads(before.items))} rows became {len(items)}"), pause=pause)
        return Heard(kept=Kept(name=before.name, asked_at=now, good_at=now, items=json.dumps(items), etag=answer.etag, modified=answer.modified), pause=pause)

    def _lost(self, before: Kept, count: int) -> bool:
        """Whether most of a list went away at once: more likely a fault of the service than all shelters closing; believed when it stays so."""
        had = len(json.loads(before.items))
        if had < MANY or count >= had * FEW:
            self._losses = 0
            return False
        self._losses += 1
        return self._losses < BELIEVED_AFTER


def _jittered(pause: float) -> float:
    """A tenth more or less, so that not all Faros of all States ask at the same second."""
    return pause * (0.9 + random() / 5)  # noqa: S311  jitter, no secret
