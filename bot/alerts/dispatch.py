"""Sends what is in the outbox, at the rate that each channel allows, never late, never to one who left, once as far as the vendor lets us know."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, time, timedelta
from random import random

from bot.messages import LOCAL_TIME, Channel, Delivery, Language, Outcome, Reply
from bot.outgoing import Outgoing
from bot.store.lease import Lease
from bot.store.outbox import Due, Outbox
from bot.store.subscriptions import Subscriber, Subscriptions
from bot.store.tables_live import DeliveryState, Notice

log = logging.getLogger(__name__)

# Nobody is woken by what can wait: local hours between which only what is about life is sent.
QUIET_FROM, QUIET_UNTIL = time(21), time(8)
MOST_TRIES = 6
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=5)
# Seconds: how much work is taken at once (a pause or a cancellation waits for no more than this), and how often an empty outbox is looked at.
AT_ONCE, LOOK_AGAIN = 2.0, 2.0
SETTLED = {Delivery.SENT: DeliveryState.SENT, Delivery.WITHHELD: DeliveryState.WITHHELD, Delivery.GONE: DeliveryState.FAILED, Delivery.REFUSED: DeliveryState.FAILED}


def waking_time(now: datetime, *, life_safety: bool) -> datetime:
    """When a notice may go out: now, or when the night is over."""
    local = now.astimezone(LOCAL_TIME)
    if life_safety or QUIET_UNTIL <= local.time() < QUIET_FROM:
        return now
    day = local.date() if local.time() < QUIET_UNTIL else local.date() + timedelta(days=1)
    return datetime.combine(day, QUIET_UNTIL, LOCAL_TIME)


def notice_reply(notice: Notice, language: Language) -> Reply:
    """A notice in one language, in no channel's terms."""
    return Reply(language=language, intent="alerts", short=notice.es if language == "es" else notice.en)


class Dispatcher:
    """Works through the outbox. `rates`: messages a second, by channel. Of several Faros, one sends on a channel; another takes over when it dies."""

    def __init__(
        self,
        *,
        outbox: Outbox,
        subscriptions: Subscriptions,
        outgoing: Outgoing,
        leases: Mapping[Channel, Lease],
        rates: Mapping[Channel, float],
        clock: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._outbox = outbox
        self._subscriptions = subscriptions
        self._outgoing = outgoing
        self._leases = leases
        self._rates = rates
        self._clock = clock
        self._sleep = sleep

    async def run(self) -> None:
        """For ever, all channels at the same time."""
        await asyncio.gather(*(self._channel(channel) for channel in self._rates))

    async def _channel(self, channel: Channel) -> None:
        while True:
            try:
                busy = await self.work(channel)
            except Exception as error:  # noqa: BLE001  whatever the database throws, sending goes on when it is back
                log.error("sending on %s stopped for a moment: %s", channel, type(error).__name__)
                busy = False
            if not busy:
                await self._sleep(LOOK_AGAIN)

    async def work(self, channel: Channel) -> bool:
        """Sends a little of what is due. False when there is nothing, or another Faro does it."""
        if not await self._leases[channel].hold():
            return False
        await self._outbox.expire()
        batch = await self._outbox.take(channel, max(1, int(self._rates[channel] * AT_ONCE)))
        if not batch:
            return False
        people = await self._subscriptions.found(due.subscription_id for due in batch)
        notices = {id_: await self._outbox.notice(id_) for id_ in {due.notice_id for due in batch}}
        for due in batch:
            notice, person = notices[due.notice_id], people.get(due.subscription_id)
            if notice is None or person is None:
                await self._outbox.settle(due, DeliveryState.WITHHELD)
            elif notice.expires_at <= self._clock():
                await self._outbox.settle(due, DeliveryState.EXPIRED)
            else:
                await self._tell(due, notice, person)
                await self._sleep(1 / self._rates[channel])
        return True

    async def _tell(self, due: Due, notice: Notice, person: Subscriber) -> None:
        reply = notice_reply(notice, person.language)
        outcome = await self._outgoing.known_of(person.channel, person.address, reply, notice.made_at) if due.again else None
        if outcome is None:
            outcome = await self._outgoing.send(person.channel, person.address, reply)
        if state := SETTLED.get(outcome.delivery):
            await self._outbox.settle(due, state)
        elif due.tries >= MOST_TRIES:
            await self._outbox.settle(due, DeliveryState.FAILED)
        else:
            await self._outbox.settle(due, DeliveryState.WAITING, self._clock() + self._pause(due, outcome))
        if outcome.delivery is Delivery.GONE:
            await self._subscriptions.drop(person.key)

    @staticmethod
    def _pause(due: Due, outcome: Outcome) -> timedelta:
        """As long as the vendor asks, else ever longer, and not all at the same moment."""
        asked = timedelta(seconds=outcome.retry_after or 0)
        doubling = timedelta(seconds=FIRST_PAUSE.total_seconds() * 2**due.tries)
        return max(asked, min(LONGEST_PAUSE, doubling)) * (1 + random() / 4)  # noqa: S311  jitter, no secret
