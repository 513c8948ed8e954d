"""The database behind Faro: how it is opened, what volunteers and operators read of it, and how long each kind is kept. What an answer asks and leaves is in bot/store/keeping.py."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import delete, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlmodel import SQLModel, select
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.messages import LOCAL_TIME
from bot.store.at_once import ask_idle_ones, at_once, sqlite_manners
from bot.store.keeping import ANSWER, SUBSCRIPTION, Kept, Known, insert, known, write
from bot.store.migrating import migrate
from bot.store.tables import Conversation, Feedback, HandledRow, Person, PersonRow, Rating, Tally, TallyRow, Unanswered

KEEP_HANDLED = timedelta(days=7)
KEEP_WORDS = timedelta(days=90)
KEEP_TALLY = timedelta(days=2 * 365)
# Seconds that work which nobody waits for gives another process to let go of SQLite.
BUSY = 5
MOST_CONNECTIONS = 15


@dataclass(frozen=True, kw_only=True)
class Keeping:
    """How long each kind is kept."""

    handled: timedelta = KEEP_HANDLED
    unanswered: timedelta = KEEP_WORDS
    feedback: timedelta = KEEP_WORDS
    ratings: timedelta = KEEP_WORDS
    tally: timedelta = KEEP_TALLY


class Store:
    """The database behind one engine. Open it with `open_store`, which brings its tables up to date."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._at_once = at_once(engine)

    def session(self) -> AsyncSession:
        return AsyncSession(self._engine, expire_on_commit=False)

    def begin(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A connection whose work is committed at the end, for statements over tables."""
        return self._engine.begin()

    def insert(self, table: type[SQLModel]) -> postgresql.Insert | sqlite.Insert:
        """An INSERT that can say what happens when the row is there already."""
        return insert(self._engine.dialect.name, table)

    async def known(self, key: str, channel: str, message_id: str) -> Known:
        """What is remembered of a person, and of their message."""
        return await self._at_once.read(lambda connection: known(connection, key, channel, message_id))

    async def answered_before(self, channel: str, message_id: str) -> str | None:
        """The answer that a message of this id was given, or None."""
        given: str | None = await self._at_once.read(lambda connection: connection.execute(ANSWER, {"channel": channel, "message_id": message_id}).scalar())
        return given

    async def recall(self, key: str) -> tuple[Person | None, Conversation | None]:
        """A person, and where their conversation stands."""
        found = await self.known(key, "", "")
        return found.person, found.standing

    async def alerts(self, key: str) -> tuple[str, ...]:
        """The counties whose alerts a person asked for, in the order of asking."""
        async with self.begin() as connection:
            chosen = select(SUBSCRIPTION.c.county).where(SUBSCRIPTION.c.key == key).order_by(SUBSCRIPTION.c.id)
            return tuple((await connection.execute(chosen)).scalars())

    async def opt_out(self, key: str, now: datetime) -> None:
        """Remembers that a person wants nothing, as their carrier or their block says."""
        async with AsyncSession(self._engine) as session:
            person = await session.get(PersonRow, key) or PersonRow(key=key, seen_at=now)
            person.opted_out = True
            session.add(person)
            await session.commit()

    async def keep(self, kept: Kept, *, late: bool = False) -> str:
        """Writes what a message leaves. Gives the answer that counts: the earlier one when another process was quicker. `late` is what had to wait."""
        try:
            await self._at_once.write(lambda connection: write(connection, kept, late))
        except IntegrityError:
            earlier = await self.answered_before(kept.handled.channel, kept.handled.message_id)
            if earlier is None:
                raise
            return earlier
        return kept.handled.answer

    async def unanswered(self) -> Sequence[Unanswered]:
        """Questions without an answer, the newest first."""
        async with AsyncSession(self._engine) as session:
            return (await session.exec(select(Unanswered).order_by(Unanswered.at.desc()))).all()  # type: ignore[attr-defined]

    async def drop_unanswered(self, ids: Sequence[int]) -> None:
        """Forgets questions that a volunteer has dealt with."""
        async with AsyncSession(self._engine) as session:
            await session.exec(delete(Unanswered).where(Unanswered.id.in_(ids)))  # type: ignore[union-attr]
            await session.commit()

    async def tallies(self, since: date) -> Sequence[Tally]:
        """What was counted from that day on, the oldest first."""
        async with AsyncSession(self._engine) as session:
            rows = await session.exec(select(TallyRow).where(TallyRow.day >= since).order_by(TallyRow.day))  # type: ignore[arg-type]
            return [Tally(**row.model_dump()) for row in rows]

    async def feedback(self) -> Sequence[Feedback]:
        async with AsyncSession(self._engine) as session:
            return (await session.exec(select(Feedback).order_by(Feedback.at.desc()))).all()  # type: ignore[attr-defined]

    async def ratings(self) -> Sequence[Rating]:
        """Which pages were useful to whom, the newest first."""
        async with AsyncSession(self._engine) as session:
            return (await session.exec(select(Rating).order_by(Rating.at.desc()))).all()  # type: ignore[attr-defined]

    async def tidy(self, now: datetime, keeping: Keeping = Keeping()) -> None:
        """Drops what is older than it is kept."""
        async with AsyncSession(self._engine) as session:
            for table, kept in ((HandledRow, keeping.handled), (Unanswered, keeping.unanswered), (Feedback, keeping.feedback), (Rating, keeping.ratings)):
                await session.exec(delete(table).where(table.at < now - kept))  # type: ignore[arg-type]
            await session.exec(delete(TallyRow).where(TallyRow.day < now.astimezone(LOCAL_TIME).date() - keeping.tally))  # type: ignore[arg-type]
            await session.commit()

    async def prepare(self, revision: str = "head") -> None:
        """Brings the tables up to date."""
        await migrate(self._engine, revision)

    async def alive(self) -> bool:
        async with self._engine.connect() as connection:
            return (await connection.execute(text("select 1"))).scalar() == 1

    async def close(self) -> None:
        await self._at_once.close()
        await self._engine.dispose()


async def open_store(url: str) -> Store:
    """The store at a SQLAlchemy address ('sqlite+aiosqlite:///file', 'postgresql://...'), its tables up to date."""
    store = closed_store(url)
    await store.prepare()
    return store


def closed_store(url: str) -> Store:
    """The same before anything was asked of the database, which may be away."""
    engine = create_async_engine(with_driver(url), pool_size=MOST_CONNECTIONS, max_overflow=0)  # what overflows is opened and closed for each question
    if engine.dialect.name == "sqlite":
        event.listen(engine.sync_engine, "connect", sqlite_manners(BUSY))
    else:
        ask_idle_ones(engine)
    return Store(engine)


def with_driver(url: str) -> str:
    """'postgresql://' and 'sqlite://' as hosts give them, with the asynchronous driver that Faro uses."""
    scheme, separator, rest = url.partition("://")
    driver = {"postgres": "postgresql+psycopg", "postgresql": "postgresql+psycopg", "sqlite": "sqlite+aiosqlite"}.get(scheme, scheme)
    return f"{driver}{separator}{rest}"
