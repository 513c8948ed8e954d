"""What is to be told to many: a notice, and one row for each person, so that a killed Faro goes on where it was and tells nobody twice."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, func, literal, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import SQLModel

from bot.store.store import Store
from bot.store.tables_live import Delivery, DeliveryState, Notice, NoticeState, Subscription

NOTICE, DELIVERY, SUBSCRIPTION = (SQLModel.metadata.tables[table.__tablename__] for table in (Notice, Delivery, Subscription))
# A row that was taken this long ago and never settled was taken by a Faro that died.
SURELY_DEAD = timedelta(seconds=90)


@dataclass(frozen=True, kw_only=True)
class Due:
    """One person to be told one notice now. `again`: it was tried before, and may have arrived."""

    event: str
    key: str
    notice_id: str
    subscription_id: int
    tries: int

    @property
    def again(self) -> bool:
        return self.tries > 1


class Outbox:
    """Notices and their deliveries."""

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock

    async def put(self, notice: Notice) -> bool:
        """Keeps a notice; False when it is kept already."""
        row = self._store.insert(Notice).values(notice.model_dump()).on_conflict_do_nothing()
        async with self._store.begin() as connection:
            new = (await connection.execute(row.returning(NOTICE.c.id))).first()
        return new is not None

    async def notice(self, id_: str) -> Notice | None:
        async with self._store.session() as session:
            return await session.get(Notice, id_)

    async def notices(self, kind: str, limit: int = 50) -> Sequence[Notice]:
        """The newest of a kind."""
        async with self._store.begin() as connection:
            rows = (await connection.execute(select(NOTICE).where(NOTICE.c.kind == kind).order_by(NOTICE.c.made_at.desc()).limit(limit))).mappings()
            return [Notice(**row) for row in rows]

    async def change(self, id_: str, state: NoticeState, *, only_from: Sequence[NoticeState], confirmed_by: str | None = None) -> bool:
        """Moves a notice on, if it still stands where the person who asked believes."""
        values: dict[str, str] = {"state": state} if confirmed_by is None else {"state": state, "confirmed_by": confirmed_by}
        async with self._store.begin() as connection:
            moved = (await connection.execute(update(NOTICE).where(NOTICE.c.id == id_, NOTICE.c.state.in_(only_from)).values(values).returning(NOTICE.c.id))).first()
        return moved is not None

    async def knows(self, event: str) -> bool:
        """Whether any notice was ever made of an event."""
        async with self._store.begin() as connection:
            return (await connection.execute(select(NOTICE.c.id).where(NOTICE.c.event == event).limit(1))).first() is not None

    async def supersede(self, notice: Notice) -> None:
        """Whoever still waits for an older notice of this event is told this one."""
        async with self._store.begin() as connection:
            await connection.execute(update(DELIVERY).where(DELIVERY.c.event == notice.event, DELIVERY.c.state == DeliveryState.WAITING).values(notice_id=notice.id))
            older = (NOTICE.c.event == notice.event, NOTICE.c.id != notice.id, NOTICE.c.state == NoticeState.SENDING)
            await connection.execute(update(NOTICE).where(*older).values(state=NoticeState.DONE))

    async def cancel_event(self, event: str) -> None:
        """Nothing more is sent of an event."""
        live = (NoticeState.DRAFT, NoticeState.SENDING, NoticeState.PAUSED)
        async with self._store.begin() as connection:
            await connection.execute(update(NOTICE).where(NOTICE.c.event == event, NOTICE.c.state.in_(live)).values(state=NoticeState.CANCELLED))

    async def address(self, notice: Notice, not_before: datetime) -> int:
        """One row for each person who asked for one of its counties and was not told of its event. Gives how many were added.

        The database copies the rows, none passes through Faro: 100,000 cost no memory here.
        """
        now = self._clock()
        persons = (
            select(
                literal(notice.event),
                SUBSCRIPTION.c.key,
                literal(notice.id),
                func.min(SUBSCRIPTION.c.id),
                func.min(SUBSCRIPTION.c.channel),
                literal(DeliveryState.WAITING.value),
                literal(0),
                literal(not_before, DELIVERY.c.not_before.type),
                literal(now, DELIVERY.c.at.type),
            )
            .where(SUBSCRIPTION.c.county.in_(notice.counties))
            .group_by(SUBSCRIPTION.c.key)
        )
        columns = ["event", "key", "notice_id", "subscription_id", "channel", "state", "tries", "not_before", "at"]
        async with self._store.begin() as connection:
            rows = self._store.insert(Delivery).from_select(columns, persons).on_conflict_do_nothing()
            # Of an INSERT, SQLAlchemy keeps no count unless it is told to: on PostgreSQL it would be -1.
            return (await connection.execute(rows.execution_options(preserve_rowcount=True))).rowcount

    async def take(self, channel: str, most: int) -> list[Due]:
        """What may be sent on a channel now, the gravest first; taken before it is sent, so that it is never sent twice unknowingly."""
        now = self._clock()
        abandoned = (DELIVERY.c.channel == channel, DELIVERY.c.state == DeliveryState.TAKEN, DELIVERY.c.at < now - SURELY_DEAD)
        async with self._store.begin() as connection:
            await connection.execute(update(DELIVERY).where(*abandoned).values(state=DeliveryState.WAITING))
            ready = await self._ready(connection, channel, most, now)
            # Asked again as it is taken: another Faro may have been quicker.
            mine = and_(tuple_(DELIVERY.c.event, DELIVERY.c.key).in_(ready), DELIVERY.c.state == DeliveryState.WAITING, DELIVERY.c.not_before <= now)
            taking = update(DELIVERY).where(mine).values(state=DeliveryState.TAKEN, at=now, tries=DELIVERY.c.tries + 1)
            columns = (DELIVERY.c.event, DELIVERY.c.key, DELIVERY.c.notice_id, DELIVERY.c.subscription_id, DELIVERY.c.tries)
            rows = (await connection.execute(taking.returning(*columns))).mappings().all() if ready else []
        taken = {(row["event"], row["key"]): Due(**row) for row in rows}
        return [taken[one] for one in ready if one in taken]

    @staticmethod
    async def _ready(connection: AsyncConnection, channel: str, most: int, now: datetime) -> list[tuple[str, str]]:
        """What is about life first, then by rank, then what ends soonest. Each notice is asked for in the order of an index, so that nothing is sorted, however many wait."""
        due = (DELIVERY.c.channel == channel, DELIVERY.c.state == DeliveryState.WAITING, DELIVERY.c.not_before <= now)
        with_due = select(NOTICE.c.id, NOTICE.c.life_safety, NOTICE.c.rank, NOTICE.c.expires_at).where(
            NOTICE.c.state == NoticeState.SENDING, select(DELIVERY.c.key).where(*due, DELIVERY.c.notice_id == NOTICE.c.id).exists()
        )
        ready: list[tuple[str, str]] = []
        for id_, *_ in sorted((await connection.execute(with_due)).all(), key=lambda row: (not row.life_safety, row.rank, row.expires_at, row.id)):
            chosen = select(DELIVERY.c.event, DELIVERY.c.key).where(*due, DELIVERY.c.notice_id == id_).order_by(DELIVERY.c.not_before, DELIVERY.c.subscription_id).limit(most - len(ready))
            ready += [(event, key) for event, key in await connection.execute(chosen)]
            if len(ready) >= most:
                break
        return ready

    async def settle(self, due: Due, state: DeliveryState, not_before: datetime | None = None) -> None:
        """What became of it. WAITING, with a time, tries again."""
        now = self._clock()
        async with self._store.begin() as connection:
            await connection.execute(update(DELIVERY).where(DELIVERY.c.event == due.event, DELIVERY.c.key == due.key).values(state=state, at=now, not_before=not_before or now))

    async def expire(self) -> int:
        """Ends what is past its time: it is not sent late."""
        now = self._clock()
        past = select(NOTICE.c.id).where(NOTICE.c.expires_at <= now, NOTICE.c.state != NoticeState.DONE)
        async with self._store.begin() as connection:
            over = (await connection.execute(past)).scalars().all()
            if not over:
                return 0
            gone = await connection.execute(update(DELIVERY).where(DELIVERY.c.state == DeliveryState.WAITING, DELIVERY.c.notice_id.in_(over)).values(state=DeliveryState.EXPIRED, at=now))
            await connection.execute(update(NOTICE).where(NOTICE.c.id.in_(over), NOTICE.c.state.in_((NoticeState.SENDING, NoticeState.PAUSED))).values(state=NoticeState.DONE))
            return gone.rowcount

    async def progress(self, notice_id: str) -> Counter[DeliveryState]:
        """How many deliveries of a notice stand where."""
        async with self._store.begin() as connection:
            rows = (await connection.execute(select(DELIVERY.c.state, func.count()).where(DELIVERY.c.notice_id == notice_id).group_by(DELIVERY.c.state))).all()
        return Counter({DeliveryState(state): count for state, count in rows})
