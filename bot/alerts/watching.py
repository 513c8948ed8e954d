"""Looks at the alerts that are active now, and makes, renews or takes back what is told of them. One Faro of several does it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Final

from bot.alerts.choosing import KIND, Choice, notice_id, notices, read_events
from bot.alerts.dispatch import waking_time
from bot.feeds.nws import ALERTS, Alert
from bot.store.feeds import Feeds
from bot.store.lease import Lease
from bot.store.outbox import Outbox
from bot.store.tables_live import NoticeState
from bot.wording.catalog import Words

log = logging.getLogger(__name__)

STEP: Final = 5.0
MOST_NOTICES: Final = 2000
# What is told again although its event was told before: it has become extreme.
WORSE: Final = "!"


class AlertWatcher:
    """From the feed's last good list to the outbox. Everything it does may be done again: a notice has one id, a person hears of an event once."""

    def __init__(
        self,
        *,
        feeds: Feeds,
        outbox: Outbox,
        lease: Lease,
        events: Path,
        words: Words,
        clock: Callable[[], datetime],
        choice: Choice | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._feeds = feeds
        self._outbox = outbox
        self._lease = lease
        self._events = events
        self._words = words
        self._clock = clock
        self._choice = choice or Choice()
        self._sleep = sleep
        self._seen: datetime | None = None

    async def run(self) -> None:
        """For ever."""
        while True:
            try:
                if await self._lease.hold():
                    await self.once()
            except Exception as error:  # noqa: BLE001  whatever the database throws or a volunteer's table holds, it is tried again
                log.error("the alerts could not be looked at: %s", type(error).__name__)
            await self._sleep(STEP)

    async def once(self) -> None:
        """Looks at the list, when there is a newer one."""
        kept = (await self._feeds.all()).get("nws")
        if kept is None or kept.good_at is None or kept.trouble or kept.good_at == self._seen:
            return
        active = set()
        for alert in sorted(ALERTS.validate_json(kept.items), key=lambda a: a.sent):
            active |= await self._look(alert)
        await self._take_back(active)
        self._seen = kept.good_at

    async def _look(self, alert: Alert) -> set[str]:
        """What is told of one message. Gives the events, by county, that it keeps alive."""
        name = alert.vtec or await self._referred_to(alert) or alert.id
        if alert.cancelled and alert.status == "Actual":
            for county in alert.counties:
                for event in (f"{name}|{county}", f"{name}{WORSE}|{county}"):
                    await self._outbox.cancel_event(event)
            return set()
        if not self._choice.tells(alert, self._clock()):
            return set()
        if alert.severity == "Extreme":
            name += WORSE
        # An event that was extreme and is less so now is not told again.
        told_worse = {c for c in alert.counties if alert.severity != "Extreme" and await self._outbox.knows(f"{name}{WORSE}|{c}")}
        await self._tell(alert, name, [c for c in alert.counties if c not in told_worse])
        return {f"{name}|{county}" for county in alert.counties} | {f"{name}{WORSE}|{county}" for county in told_worse}

    async def _tell(self, alert: Alert, name: str, counties: list[str]) -> None:
        now = self._clock()
        for notice in notices(alert, name, counties, read_events(self._events), self._words, now):
            if await self._outbox.put(notice):
                await self._outbox.supersede(notice)
                await self._outbox.address(notice, waking_time(now, life_safety=notice.life_safety))

    async def _referred_to(self, alert: Alert) -> str | None:
        """The event of a message that this one follows."""
        for one in alert.references:
            for county in alert.counties:
                if notice := await self._outbox.notice(notice_id(one, county)):
                    return notice.event.rpartition("|")[0].removesuffix(WORSE)
        return None

    async def _take_back(self, active: set[str]) -> None:
        """The Service drops what is over from its list, with or without a word: nothing more is sent of it."""
        for notice in await self._outbox.notices(KIND, MOST_NOTICES):
            if notice.state == NoticeState.SENDING and notice.event not in active:
                await self._outbox.cancel_event(notice.event)
