"""What a database needs beside its work: its tables brought up to date, and what is past its time dropped, each day."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

from sqlalchemy.exc import DBAPIError

from bot.store.store import Keeping, Store

log = logging.getLogger(__name__)

# Seconds: how long a database may take to say that it is there, when it is asked again, and a day.
PATIENCE, SOON, A_DAY = 10.0, 3.0, 24 * 3600.0


class Upkeep:
    """Of one store. A database that is away at the start keeps nobody from an answer: it is made ready when it comes."""

    def __init__(self, store: Store, keeping: Keeping, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._keeping = keeping
        self._clock = clock
        self._prepared = False

    async def once(self) -> bool:
        """False when the database is away."""
        try:
            async with asyncio.timeout(PATIENCE):
                await self._store.alive()
            if not self._prepared:
                await self._store.prepare()
                self._prepared = True
            await self._store.tidy(self._clock(), self._keeping)
        except (DBAPIError, OSError) as error:
            log.error("the database could not be brought up to date (%s); answers go on without it, and it is tried again", type(error).__name__)
            return False
        return True

    async def daily(self, done: bool, a_day: float = A_DAY) -> None:
        """For ever, `done` once."""
        while True:
            await asyncio.sleep(a_day if done else SOON)
            done = await self.once()
