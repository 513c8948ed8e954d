"""How long an answer waits for a database that is away: not long, and not each time."""

import asyncio
import logging
from collections.abc import Awaitable
from time import monotonic
from typing import TypeVar

from sqlalchemy.exc import DataError, IntegrityError

from bot.errors import DatabaseAway, DatabaseRefuses

log = logging.getLogger(__name__)

# Seconds for one question to the database, and how long it is left alone after it did not answer.
PATIENCE, LEFT_ALONE = 2.5, 3.0
T = TypeVar("T")


class Patience:
    """Shared by all that ask the database while somebody waits."""

    def __init__(self, seconds: float = PATIENCE, left_alone: float = LEFT_ALONE) -> None:
        self._seconds = seconds
        self._left_alone = left_alone
        self._away_until = 0.0

    async def ask(self, question: Awaitable[T]) -> T:
        """What the database says. Raises DatabaseAway when it does not answer in time, or has just failed to."""
        if monotonic() < self._away_until:
            if asyncio.iscoroutine(question):
                question.close()
            raise DatabaseAway
        try:
            async with asyncio.timeout(self._seconds):
                return await question
        except (DataError, IntegrityError) as error:
            log.error("the database refuses what it was asked: %s", type(error).__name__)
            raise DatabaseRefuses from None
        except Exception as error:  # noqa: BLE001  whatever the database throws, the resident gets an answer
            log.error("the database did not answer: %s", type(error).__name__)
            self._away_until = monotonic() + self._left_alone
            raise DatabaseAway from None
