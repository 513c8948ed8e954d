"""A coordinator's own words to those who asked for alerts: written by one person, looked at and released by another."""

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from bot.alerts.dispatch import notice_reply, waking_time
from bot.errors import NotToBeSent
from bot.messages import LANGUAGES, Channel, Language
from bot.store.outbox import Outbox
from bot.store.subscriptions import Subscriptions
from bot.store.tables_live import LAST, DeliveryState, Notice, NoticeState
from bot.wording.catalog import Words
from bot.wording.fitting import STYLES, fit
from bot.wording.gsm7 import segments
from bot.wording.wide import untagged

KIND: Final = "broadcast"
LONGEST_TEXT: Final = 600
LONGEST_HOURS: Final = 48
MOST_SHOWN: Final = 50
UNDER_WAY: Final = (NoticeState.SENDING, NoticeState.PAUSED)
# A person judged that lives are at stake: only what is extreme at this moment goes before it.
RANK: Final = 1


@dataclass(frozen=True, kw_only=True)
class Share:
    """Those of one channel and language: how many, what they see, what each text costs in parts."""

    channel: Channel
    language: Language
    persons: int
    texts: tuple[str, ...]
    parts: int


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What a broadcast would cost and how long it would take."""

    shares: tuple[Share, ...]
    seconds: float

    @property
    def persons(self) -> int:
        return sum(share.persons for share in self.shares)

    @property
    def parts(self) -> int:
        """SMS parts in all: what is paid for."""
        return sum(share.persons * share.parts for share in self.shares if share.channel is Channel.SMS)


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a broadcast is."""

    notice: Notice
    waiting: int
    sent: int
    failed: int

    @property
    def all(self) -> int:
        return self.waiting + self.sent + self.failed

    @property
    def state(self) -> str:
        """Where it stands, for people: 'sent' as soon as nobody waits any more, whatever has been noted of it."""
        return "sent" if self.notice.state in UNDER_WAY and not self.waiting else self.notice.state


def same_person(one: str, other: str) -> bool:
    """Whether two names are one person's: case, accents, blanks and marks make no other person."""
    return _letters(one) == _letters(other)


def _letters(name: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", name).casefold() if c.isalnum())


class Broadcasts:
    """Drafts, their release by a second person, and what becomes of them."""

    def __init__(self, outbox: Outbox, subscriptions: Subscriptions, words: Words, rates: dict[Channel, float], clock: Callable[[], datetime]) -> None:
        self._outbox = outbox
        self._subscriptions = subscriptions
        self._words = words
        self._rates = rates
        self._clock = clock

    async def draft(self, *, counties: Sequence[str], en: str, es: str, by: str, hours: float, life_safety: bool = False) -> Notice:
        """Keeps a draft. Raises NotToBeSent when it lacks a language, a county or an end, or is too long to be read on a phone."""
        if not _letters(by):
            raise NotToBeSent("broadcast-nobody")
        texts = [" ".join(text.split()) for text in (en, es)]
        if not counties or not all(texts):
            raise NotToBeSent("broadcast-incomplete")
        if max(map(len, texts)) > LONGEST_TEXT:
            raise NotToBeSent("broadcast-too-long", {"most": str(LONGEST_TEXT)})
        if not 0 < hours <= LONGEST_HOURS:
            raise NotToBeSent("broadcast-hours", {"most": str(LONGEST_HOURS)})
        now, id_ = self._clock(), uuid4().hex
        notice = Notice(
            id=id_,
            event=f"broadcast {id_}",
            kind=KIND,
            counties=sorted(set(counties)),
            en=self._words.say("alerts.broadcast", "en", text=texts[0]),
            es=self._words.say("alerts.broadcast", "es", text=texts[1]),
            life_safety=life_safety,
            rank=RANK if life_safety else LAST,
            expires_at=now + timedelta(hours=hours),
            state=NoticeState.DRAFT,
            made_by=by,
            made_at=now,
        )
        await self._outbox.put(notice)
        return notice

    async def estimate(self, notice: Notice) -> Estimate:
        """Who would be told, in which texts, at what cost: exactly what the phones would show."""
        shares = []
        for (channel, language), persons in sorted((await self._subscriptions.counted(notice.counties)).items()):
            texts = fit(notice_reply(notice, language), STYLES[channel], self._words).texts
            seen = tuple(map(untagged, texts)) if channel is Channel.TELEGRAM else texts
            shares.append(Share(channel=channel, language=language, persons=persons, texts=seen, parts=sum(segments(text)[1] for text in texts)))
        per_channel = {channel: sum(share.persons for share in shares if share.channel is channel) for channel in self._rates}
        return Estimate(shares=tuple(shares), seconds=max((count / self._rates[channel] for channel, count in per_channel.items()), default=0.0))

    def samples(self, notice: Notice) -> tuple[Share, ...]:
        """What it looks like as an SMS in both languages, also when nobody has asked yet."""
        shown = [(language, fit(notice_reply(notice, language), STYLES[Channel.SMS], self._words).texts) for language in LANGUAGES]
        return tuple(Share(channel=Channel.SMS, language=language, persons=0, texts=texts, parts=sum(segments(text)[1] for text in texts)) for language, texts in shown)

    async def release(self, id_: str, by: str) -> int:
        """Begins to send. Raises NotToBeSent for the person who wrote it, for one that is gone, and for one that was released before. Gives how many will be told."""
        notice = await self.find(id_)
        if notice is None or notice.expires_at <= self._clock():
            raise NotToBeSent("broadcast-gone")
        if not _letters(by):
            raise NotToBeSent("broadcast-nobody")
        if same_person(notice.made_by, by):
            raise NotToBeSent("broadcast-own")
        # First who is told, then that it may be: killed in between, it is still a draft, and the same persons are chosen again.
        count = await self._outbox.address(notice, waking_time(self._clock(), life_safety=notice.life_safety))
        if not await self._outbox.change(id_, NoticeState.SENDING, only_from=(NoticeState.DRAFT,), confirmed_by=by):
            raise NotToBeSent("broadcast-released")
        return count

    async def pause(self, id_: str) -> bool:
        return await self._outbox.change(id_, NoticeState.PAUSED, only_from=(NoticeState.SENDING,))

    async def resume(self, id_: str) -> bool:
        return await self._outbox.change(id_, NoticeState.SENDING, only_from=(NoticeState.PAUSED,))

    async def cancel(self, id_: str) -> bool:
        """For good. What is on its way arrives. False when there is nothing to take back: everybody has been told."""
        notice = await self.find(id_)
        if notice and (await self.progress(notice)).state == "sent":
            return False
        return await self._outbox.change(id_, NoticeState.CANCELLED, only_from=(NoticeState.DRAFT, NoticeState.SENDING, NoticeState.PAUSED))

    async def find(self, id_: str) -> Notice | None:
        notice = await self._outbox.notice(id_)
        return notice if notice and notice.kind == KIND else None

    async def all(self) -> list[Progress]:
        """The newest first, with how far each is."""
        return await self.told(KIND, MOST_SHOWN)

    async def told(self, kind: str, most: int) -> list[Progress]:
        """The newest notices of a kind."""
        return [await self.progress(notice) for notice in await self._outbox.notices(kind, most)]

    async def progress(self, notice: Notice) -> Progress:
        counted = await self._outbox.progress(notice.id)
        waiting = counted[DeliveryState.WAITING] + counted[DeliveryState.TAKEN]
        failed = counted[DeliveryState.FAILED] + counted[DeliveryState.WITHHELD] + counted[DeliveryState.EXPIRED]
        return Progress(notice=notice, waiting=waiting, sent=counted[DeliveryState.SENT], failed=failed)
