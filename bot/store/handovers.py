"""Who talks to a volunteer, which message of the group belongs to whose talk, and who is on duty."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Executable, Row, delete, func, select, update
from sqlmodel import SQLModel

from bot.messages import Channel, Language
from bot.store.patience import Patience
from bot.store.sealing import Seal
from bot.store.store import Store
from bot.store.tables import HandledRow
from bot.store.tables_live import Duty, Handover, HandoverNote

HANDOVER, NOTE, DUTY, UNANSWERED = (SQLModel.metadata.tables[name] for name in ("handover", "handover_note", "duty", "unanswered"))
QUIET = ON_DUTY = timedelta(hours=12)


@dataclass(frozen=True, kw_only=True)
class Talk:
    """A resident and the volunteers. `root` is its first message in the group; None before a question was passed on."""

    id: int = 0
    key: str
    channel: Channel
    language: Language
    county: str | None
    address: str = field(repr=False)
    root: int | None = None


class Handovers:
    """The talks of one group. Whatever is asked here raises DatabaseAway or DatabaseRefuses when there is no answer in time."""

    def __init__(self, store: Store, seal: Seal, group: str, clock: Callable[[], datetime], patience: Patience) -> None:
        self._store = store
        self._seal = seal
        self._group = group
        self._clock = clock
        self._patience = patience

    async def on_duty(self) -> int:
        return await self._patience.ask(self._on_duty())

    async def begin_duty(self, key: str) -> int:
        """How many are on duty, now that this volunteer is."""
        row = {"chat_id": self._group, "at": self._clock()}
        return await self._patience.ask(self._changed(self._store.insert(Duty).values(key=key, **row).on_conflict_do_update(index_elements=["key"], set_=row)))

    async def end_duty(self, key: str) -> int:
        return await self._patience.ask(self._changed(delete(DUTY).where((DUTY.c.key == key) | (DUTY.c.at <= self._clock() - ON_DUTY))))

    async def begin(self, talk: Talk) -> Talk:
        """The talk of this person: a new one, or the one that they are in."""
        now = self._clock()
        row = {"channel": talk.channel.value, "language": talk.language, "county": talk.county, "address": self._seal.close(talk.address), "since": now, "last_at": now}
        over = delete(HANDOVER).where(HANDOVER.c.key == talk.key, HANDOVER.c.last_at <= now - QUIET)
        await self._patience.ask(self._do(over, self._store.insert(Handover).values(key=talk.key, **row).on_conflict_do_nothing(index_elements=["key"])))
        return await self.of(talk.key) or talk

    async def of(self, key: str) -> Talk | None:
        """The talk that a person is in."""
        return await self._patience.ask(self._talk(HANDOVER.c.key == key))

    async def behind(self, message_id: int) -> Talk | None:
        """The talk that a message of the group belongs to."""
        mine = select(NOTE.c.handover_id).where(NOTE.c.chat_id == self._group, NOTE.c.message_id == message_id)
        return await self._patience.ask(self._talk(HANDOVER.c.id == mine.scalar_subquery()))

    async def note(self, talk: Talk, message_id: int) -> None:
        """A message of the group belongs to this talk, which is not quiet."""
        row = self._store.insert(HandoverNote).values(chat_id=self._group, message_id=message_id, handover_id=talk.id).on_conflict_do_nothing()
        await self._patience.ask(self._do(row, update(HANDOVER).where(HANDOVER.c.id == talk.id).values(last_at=self._clock())))

    async def end(self, talk: Talk) -> None:
        """The address goes, and the notes with it."""
        await self._patience.ask(self._do(delete(HANDOVER).where(HANDOVER.c.id == talk.id)))

    async def quiet(self) -> list[Talk]:
        """Ends those that were quiet for long, and gives them."""
        return await self._patience.ask(self._quiet())

    async def last_question(self, key: str) -> str | None:
        """What Faro could not answer last, scrubbed."""
        return await self._patience.ask(self._last_question(key))

    async def heard_before(self, update_id: str) -> bool:
        return await self._patience.ask(self._store.answered_before(Channel.TELEGRAM, update_id)) is not None

    async def heard(self, update_id: str) -> None:
        """A message of the group was done with; it is the group's, and no resident's."""
        row = self._store.insert(HandledRow).values(channel=Channel.TELEGRAM.value, message_id=update_id, key="", answer="", at=self._clock())
        await self._patience.ask(self._do(row.on_conflict_do_nothing()))

    async def _do(self, *statements: Executable) -> None:
        async with self._store.begin() as connection:
            for statement in statements:
                await connection.execute(statement)

    async def _changed(self, statement: Executable) -> int:
        await self._do(statement)
        return await self._on_duty()

    async def _on_duty(self) -> int:
        async with self._store.begin() as connection:
            counted = select(func.count()).select_from(DUTY).where(DUTY.c.chat_id == self._group, DUTY.c.at > self._clock() - ON_DUTY)
            return (await connection.execute(counted)).scalar_one()

    async def _talk(self, which: ColumnElement[bool]) -> Talk | None:
        root = select(func.min(NOTE.c.message_id)).where(NOTE.c.handover_id == HANDOVER.c.id, NOTE.c.chat_id == self._group).scalar_subquery()
        chosen = select(HANDOVER, root.label("root")).where(which, HANDOVER.c.last_at > self._clock() - QUIET)
        async with self._store.begin() as connection:
            row = (await connection.execute(chosen)).first()
        return self._opened(row, row.root) if row else None

    async def _quiet(self) -> list[Talk]:
        root = select(func.min(NOTE.c.message_id)).where(NOTE.c.handover_id == HANDOVER.c.id).scalar_subquery()
        over = HANDOVER.c.last_at <= self._clock() - QUIET
        async with self._store.begin() as connection:
            roots = {row.id: row.root for row in await connection.execute(select(HANDOVER.c.id, root.label("root")).where(over))}
            gone = (await connection.execute(delete(HANDOVER).where(over).returning(HANDOVER))).all()
        return [talk for row in gone if (talk := self._opened(row, roots.get(row.id)))]

    async def _last_question(self, key: str) -> str | None:
        async with self._store.begin() as connection:
            return (await connection.execute(select(UNANSWERED.c.text).where(UNANSWERED.c.key == key).order_by(UNANSWERED.c.id.desc()).limit(1))).scalar()

    def _opened(self, row: Row[Any], root: int | None) -> Talk | None:
        """None when the address was sealed with a secret that is gone."""
        address = self._seal.open(row.address)
        if address is None:
            return None
        return Talk(id=row.id, key=row.key, channel=Channel(row.channel), language=row.language, county=row.county, address=address, root=root)
