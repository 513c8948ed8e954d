"""The one gate for what nobody asked for just now: alerts, broadcasts, a volunteer's words. Answers to a message go through the conversation."""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from prometheus_client import Counter

from bot.messages import Channel, Delivery, Outcome, Reply
from bot.store.privacy import person_key
from bot.store.spool import Memory
from bot.wording.catalog import Words
from bot.wording.fitting import STYLES, Fitted, fit

log = logging.getLogger(__name__)

# WhatsApp takes free words only so long after the person last wrote (Twilio error 63016).
WHATSAPP_WINDOW = timedelta(hours=24)
DELIVERIES = Counter("faro_outgoing", "Messages sent without being asked, by what became of them", ["channel", "delivery"])


class Sender(Protocol):
    """A door that can write first."""

    async def send(self, address: str, answer: Fitted) -> Outcome: ...
    async def known_of(self, address: str, answer: Fitted, since: datetime) -> Outcome | None: ...
    async def close(self) -> None: ...


class Outgoing:
    """Sends to people who did not opt out, in the dress of their channel; remembers who is gone."""

    def __init__(self, *, senders: Mapping[Channel, Sender], memory: Memory, words: Words, secret: bytes, clock: Callable[[], datetime]) -> None:
        self._senders = senders
        self._memory = memory
        self._words = words
        self._secret = secret
        self._clock = clock

    def can_write(self, channel: Channel) -> bool:
        """Whether a way to write first is configured."""
        return channel in self._senders

    async def send(self, channel: Channel, address: str, reply: Reply) -> Outcome:
        """Hands a reply to the vendor, or withholds it. Trying again is for the caller, and only after LATER."""
        outcome = await self._outcome(channel, address, reply)
        DELIVERIES.labels(channel, outcome.delivery).inc()
        if outcome.delivery in (Delivery.REFUSED, Delivery.UNCERTAIN):
            log.warning("a message on %s was not sent for certain: %s", channel, outcome.reason)
        return outcome

    async def known_of(self, channel: Channel, address: str, reply: Reply, since: datetime) -> Outcome | None:
        """What the vendor knows of a message that may have been sent before: SENT; LATER when it cannot be asked now; None when it was not, or when this vendor never says."""
        sender = self._senders.get(channel)
        return await sender.known_of(address, fit(reply, STYLES[channel], self._words), since) if sender else None

    async def close(self) -> None:
        for sender in set(self._senders.values()):
            await sender.close()

    async def _outcome(self, channel: Channel, address: str, reply: Reply) -> Outcome:
        key = person_key(self._secret, channel, address)
        try:
            person = await self._memory.last_known(key)
        except Exception as error:  # noqa: BLE001  whatever the database throws: nothing is sent to somebody who may have opted out
            return Outcome(delivery=Delivery.LATER, reason=f"the database did not answer ({type(error).__name__})")
        if person and person.opted_out:
            return Outcome(delivery=Delivery.WITHHELD, reason="the person opted out")
        sender = self._senders.get(channel)
        if sender is None:
            return Outcome(delivery=Delivery.REFUSED, reason=f"no way to write first on {channel} is configured")
        if channel is Channel.WHATSAPP and not (person and self._clock() - person.seen_at < WHATSAPP_WINDOW):
            return Outcome(delivery=Delivery.WITHHELD, reason="WhatsApp: more than 24 hours since the person wrote")
        outcome = await sender.send(address, fit(reply, STYLES[channel], self._words))
        if outcome.delivery is Delivery.GONE:
            await self._memory.opt_out(key, self._clock())
        return outcome
