"""Reads and writes what is remembered; the only file that knows the database."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, delete, event, func, text
from sqlalchemy import select as rows
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlmodel import SQLModel, select
from sqlmodel.ext.asyncio.session import AsyncSession

import bot.store.tables_live  # noqa: F401  DELETE must know every table
from bot.messages import LOCAL_TIME, Rated
from bot.store.migrating import migrate
from bot.store.tables import Conversation, Feedback, Handled, Owed, Person, Rating, Tally, Unanswered
from bot.store.tables_live import Subscription

KEEP_HANDLED = timedelta(days=7)
KEEP_WORDS = timedelta(days=90)
KEEP_TALLY = timedelta(days=2 * 365)
HANDLED, PERSON, CONVERSATION, SUBSCRIPTION, HANDOVER = (SQLModel.metadata.tables[name] for name in ("handled", "person", "conversation", "subscription", "handover"))
KNOWN = rows(PERSON, CONVERSATION).join_from(PERSON, CONVERSATION, PERSON.c.key == CONVERSATION.c.key, isouter=True)
# What a message may change in what is remembered of its sender.
PERSONAL = ("language", "language_fixed", "county", "opted_out")


@dataclass(frozen=True, kw_only=True)
class Keeping:
    """How long each kind is kept."""

    handled: timedelta = KEEP_HANDLED
    unanswered: timedelta = KEEP_WORDS
    feedback: timedelta = KEEP_WORDS
    ratings: timedelta = KEEP_WORDS
    tally: timedelta = KEEP_TALLY


@dataclass(frozen=True, kw_only=True)
class Kept:
    """Everything one answered message leaves behind, written together or not at all. `changed` names the PERSONAL fields that it set."""

    person: Person
    changed: tuple[str, ...] = PERSONAL
    conversation: Conversation
    handled: Handled
    unanswered: str | None = field(default=None, repr=False)
    feedback: str | None = field(default=None, repr=False)
    rated: Rated | None = None
    tally: Tally | None = None
    forget: bool = False
    subscribe: Subscription | None = field(default=None, repr=False)
    unsubscribe: str | None = None  # a county; '' means all


class Store:
    """The database behind one engine. Open it with `open_store`, which brings its tables up to date."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    def session(self) -> AsyncSession:
        return AsyncSession(self._engine, expire_on_commit=False)

    def begin(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A connection whose work is committed at the end, for statements over tables."""
        return self._engine.begin()

    def insert(self, table: type[SQLModel]) -> postgresql.Insert | sqlite.Insert:
        """An INSERT that can say what happens when the row is there already."""
        return postgresql.insert(table) if self._engine.dialect.name == "postgresql" else sqlite.insert(table)

    async def answered_before(self, channel: str, message_id: str) -> str | None:
        """The answer that a message of this id was given, or None."""
        async with self._engine.connect() as connection:
            given: str | None = (await connection.execute(rows(HANDLED.c.answer).where(HANDLED.c.channel == channel, HANDLED.c.message_id == message_id))).scalar()
            return given

    async def recall(self, key: str) -> tuple[Person | None, Conversation | None]:
        """A person, and where their conversation stands: one question, since each answer waits for it."""
        async with self._engine.connect() as connection:
            row = (await connection.execute(KNOWN.where(PERSON.c.key == key))).first()
        if row is None:
            return None, None
        of_person, of_conversation = row[: len(PERSON.c)], row[len(PERSON.c) :]
        person = Person(**dict(zip(PERSON.c.keys(), of_person, strict=True)))
        return person, Conversation(**dict(zip(CONVERSATION.c.keys(), of_conversation, strict=True))) if of_conversation[0] else None

    async def alerts(self, key: str) -> tuple[str, ...]:
        """The counties whose alerts a person asked for, in the order of asking."""
        async with self.begin() as connection:
            chosen = select(SUBSCRIPTION.c.county).where(SUBSCRIPTION.c.key == key).order_by(SUBSCRIPTION.c.id)
            return tuple((await connection.execute(chosen)).scalars())

    async def opt_out(self, key: str, now: datetime) -> None:
        """Remembers that a person wants nothing, as their carrier or their block says."""
        async with AsyncSession(self._engine) as session:
            person = await session.get(Person, key) or Person(key=key, seen_at=now)
            person.opted_out = True
            session.add(person)
            await session.commit()

    async def keep(self, kept: Kept, *, late: bool = False) -> str:
        """Writes what a message leaves. Gives the answer that counts: the earlier one when another process was quicker. `late` is what had to wait."""
        try:
            async with self.begin() as connection:
                await self._write(connection, kept, late)
        except IntegrityError:
            earlier = await self.answered_before(kept.handled.channel, kept.handled.message_id)
            if earlier is None:
                raise
            return earlier
        return kept.handled.answer

    async def _write(self, connection: AsyncConnection, kept: Kept, late: bool) -> None:
        if kept.forget:
            kept.handled.key = ""
        await connection.execute(self.insert(Handled).values(kept.handled.model_dump()))
        if kept.forget:
            await self._forget(connection, kept)
        else:
            await self._remember(connection, kept, late)
            await self._note(connection, kept)
            await self._subscribe(connection, kept)
        if kept.tally:
            await self._count(connection, kept.tally)

    async def _remember(self, connection: AsyncConnection, kept: Kept, late: bool) -> None:
        """Of the person only what this message changed: another Faro, or the time before an outage, may know more of them, such as that they said STOP."""
        person = with_changes(None, kept).model_dump()
        seen = (await connection.execute(rows(PERSON.c.seen_at).where(PERSON.c.key == kept.person.key).with_for_update())).scalar() if late else None
        newest = seen is None or seen <= kept.person.seen_at  # else another Faro has heard of them since
        changed = {name: person[name] for name in (*kept.changed, *(("seen_at",) if newest else ()))}
        known = self.insert(Person).values(person)
        await connection.execute(known.on_conflict_do_update(index_elements=["key"], set_=changed) if changed else known.on_conflict_do_nothing())
        if newest:
            standing = kept.conversation.model_dump()
            await connection.execute(self.insert(Conversation).values(standing).on_conflict_do_update(index_elements=["key"], set_=standing))

    async def _note(self, connection: AsyncConnection, kept: Kept) -> None:
        person = kept.person
        about = {"key": person.key, "language": person.language or "en", "county": person.county, "at": kept.handled.at}
        if kept.unanswered:
            await connection.execute(self.insert(Unanswered).values(text=kept.unanswered, **about))
        if kept.feedback:
            await connection.execute(self.insert(Feedback).values(text=kept.feedback, **about))
        if kept.rated:
            rated = {"intent": kept.rated.intent, "useful": kept.rated.useful, **about}
            await connection.execute(self.insert(Rating).values(rated).on_conflict_do_update(index_elements=["key", "intent"], set_=rated))

    async def _subscribe(self, connection: AsyncConnection, kept: Kept) -> None:
        """Alerts begun or ended. After STOP there are none, nor is there a talk with a volunteer, and the address is gone."""
        if new := kept.subscribe:
            row = self.insert(Subscription).values(new.model_dump(exclude={"id"}))
            await connection.execute(row.on_conflict_do_update(index_elements=["key", "county"], set_={"language": new.language, "address": new.address}))
        stopped = "opted_out" in kept.changed and kept.person.opted_out
        if stopped:
            await connection.execute(delete(HANDOVER).where(HANDOVER.c.key == kept.person.key))
        if kept.unsubscribe is not None or stopped:
            ending = delete(SUBSCRIPTION).where(SUBSCRIPTION.c.key == kept.person.key)
            await connection.execute(ending.where(SUBSCRIPTION.c.county == kept.unsubscribe) if kept.unsubscribe else ending)

    async def _count(self, connection: AsyncConnection, tally: Tally) -> None:
        """One more of its kind. The last thing that is written, since everybody's messages of a day meet in one row."""
        row = self.insert(Tally).values(tally.model_dump())
        kind = [column.name for column in row.table.primary_key]
        await connection.execute(row.on_conflict_do_update(index_elements=kind, set_={"count": Tally.count + 1}))

    @staticmethod
    async def _forget(connection: AsyncConnection, kept: Kept) -> None:
        """Everything of a person, in every table with their key; that this last message was answered is kept without it, and names nobody."""
        for table in SQLModel.metadata.tables.values():
            if "key" in table.c:
                but = _not_before(kept.handled) if table.name == Owed.__tablename__ else ()
                await connection.execute(delete(table).where(table.c.key == kept.person.key, *but))

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
            return (await session.exec(select(Tally).where(Tally.day >= since).order_by(Tally.day))).all()  # type: ignore[arg-type]

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
            for table, kept in ((Handled, keeping.handled), (Unanswered, keeping.unanswered), (Feedback, keeping.feedback), (Rating, keeping.ratings)):
                await session.exec(delete(table).where(table.at < now - kept))  # type: ignore[arg-type]
            await session.exec(delete(Tally).where(Tally.day < now.astimezone(LOCAL_TIME).date() - keeping.tally))  # type: ignore[arg-type]
            await session.commit()

    async def prepare(self, revision: str = "head") -> None:
        """Brings the tables up to date."""
        await migrate(self._engine, revision)

    async def alive(self) -> bool:
        async with self._engine.connect() as connection:
            return (await connection.execute(text("select 1"))).scalar() == 1

    async def close(self) -> None:
        await self._engine.dispose()


def with_changes(person: Person | None, kept: Kept) -> Person:
    """The person as a message leaves them."""
    person = person or Person(key=kept.person.key, seen_at=kept.person.seen_at)
    for name in kept.changed:
        setattr(person, name, getattr(kept.person, name))
    return person


async def open_store(url: str) -> Store:
    """The store at a SQLAlchemy address ('sqlite+aiosqlite:///file', 'postgresql://...'), its tables up to date."""
    store = closed_store(url)
    await store.prepare()
    return store


def closed_store(url: str) -> Store:
    """The same before anything was asked of the database, which may be away."""
    # A server may have gone away and come back; a file has not.
    engine = create_async_engine(with_driver(url), pool_pre_ping=not url.startswith("sqlite"))
    if engine.dialect.name == "sqlite":
        event.listen(engine.sync_engine, "connect", _sqlite_manners)
    return Store(engine)


def with_driver(url: str) -> str:
    """'postgresql://' and 'sqlite://' as hosts give them, with the asynchronous driver that Faro uses."""
    scheme, separator, rest = url.partition("://")
    driver = {"postgres": "postgresql+psycopg", "postgresql": "postgresql+psycopg", "sqlite": "sqlite+aiosqlite"}.get(scheme, scheme)
    return f"{driver}{separator}{rest}"


def _sqlite_manners(connection: object, _record: object) -> None:
    """WAL, so that readers do not wait for the writer; five seconds of patience for another process."""
    cursor = connection.cursor()  # type: ignore[attr-defined]
    for pragma in ("busy_timeout=5000", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _not_before(handled: Handled) -> tuple[ColumnElement[bool], ...]:
    """Of what is owed an answer, DELETE leaves itself and what was written after it."""
    table = SQLModel.metadata.tables[Owed.__tablename__]
    own = (table.c.channel == handled.channel) & (table.c.message_id == handled.message_id)
    return ~own, table.c.at <= func.coalesce(rows(table.c.at).where(own).scalar_subquery(), handled.at)
