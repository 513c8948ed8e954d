"""What one answered message leaves behind, and how it is written: the statements that every answer waits for, each made once."""

from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, bindparam, delete, func, literal
from sqlalchemy import select as rows
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import SQLModel

import bot.store.tables_live  # noqa: F401  DELETE must know every table
from bot.messages import Rated
from bot.store.tables import Conversation, Handled, Owed, Person, Tally
from bot.store.tables_live import Subscription

HANDLED, PERSON, CONVERSATION, SUBSCRIPTION, HANDOVER, TALLY, OWED = (
    SQLModel.metadata.tables[name] for name in ("handled", "person", "conversation", "subscription", "handover", "tally", Owed.__tablename__)
)
UNANSWERED, FEEDBACK, RATING = (SQLModel.metadata.tables[name] for name in ("unanswered", "feedback", "rating"))
# What a message may change in what is remembered of its sender.
PERSONAL = ("language", "language_fixed", "county", "opted_out")
NOBODY = {name: Person.model_fields[name].default for name in PERSONAL}
ANSWER = rows(HANDLED.c.answer).where(HANDLED.c.channel == bindparam("channel"), HANDLED.c.message_id == bindparam("message_id"))
_HERE = rows(literal(1)).subquery()
KNOWN = rows(HANDLED.c.answer, PERSON, CONVERSATION).select_from(
    _HERE.outerjoin(HANDLED, (HANDLED.c.channel == bindparam("channel")) & (HANDLED.c.message_id == bindparam("message_id")))
    .outerjoin(PERSON, PERSON.c.key == bindparam("key"))
    .outerjoin(CONVERSATION, CONVERSATION.c.key == PERSON.c.key)
)
ANSWERED = HANDLED.insert()
SEEN = rows(PERSON.c.seen_at).where(PERSON.c.key == bindparam("key")).with_for_update()


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is remembered when a message comes: the answer it was given before, its sender, and where their conversation stands."""

    answer: str | None = field(default=None, repr=False)
    person: Person | None = None
    standing: Conversation | None = field(default=None, repr=False)


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


def with_changes(person: Person | None, kept: Kept) -> Person:
    """The person as a message leaves them."""
    person = person or Person(key=kept.person.key, seen_at=kept.person.seen_at)
    for name in kept.changed:
        setattr(person, name, getattr(kept.person, name))
    return person


def known(connection: Connection, key: str, channel: str = "", message_id: str = "") -> Known:
    """One question, since each answer waits for it."""
    answer, *rest = connection.execute(KNOWN, {"key": key, "channel": channel, "message_id": message_id}).one()
    person, standing = (dict(zip(table.c.keys(), rest[start : start + len(table.c)], strict=True)) for table, start in ((PERSON, 0), (CONVERSATION, len(PERSON.c))))
    return Known(answer=answer, person=Person(**person) if person["key"] else None, standing=Conversation(**standing) if standing["key"] else None)


def write(connection: Connection, kept: Kept, late: bool) -> None:
    """`late` is what had to wait. Raises IntegrityError when the message was answered before."""
    if kept.forget:
        kept.handled.key = ""
    connection.execute(ANSWERED, kept.handled.model_dump())
    if kept.forget:
        _forget(connection, kept)
    else:
        _remember(connection, kept, late)
        _note(connection, kept)
        _subscribe(connection, kept)
    if kept.tally:  # the last thing that is written, since everybody's messages of a day meet in one row
        connection.execute(_one_more(connection.dialect.name), kept.tally.model_dump())


def insert(dialect: str, table: Table | type[SQLModel]) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that can say what happens when the row is there already."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


def _remember(connection: Connection, kept: Kept, late: bool) -> None:
    """Of the person only what this message changed: another Faro, or the time before an outage, may know more of them, such as that they said STOP."""
    seen = connection.execute(SEEN, {"key": kept.person.key}).scalar() if late else None
    newest = seen is None or seen <= kept.person.seen_at  # else another Faro has heard of them since
    changed = {name: getattr(kept.person, name) for name in kept.changed}
    person = {"key": kept.person.key, **NOBODY, **changed, "seen_at": kept.person.seen_at}
    connection.execute(_put(connection.dialect.name, PERSON, (*changed, *(("seen_at",) if newest else ()))), person)
    if newest:
        connection.execute(_put(connection.dialect.name, CONVERSATION, tuple(CONVERSATION.c.keys())), kept.conversation.model_dump())


def _note(connection: Connection, kept: Kept) -> None:
    person = kept.person
    about: dict[str, Any] = {"key": person.key, "language": person.language or "en", "county": person.county, "at": kept.handled.at}
    if kept.unanswered:
        connection.execute(UNANSWERED.insert(), {"text": kept.unanswered, **about})
    if kept.feedback:
        connection.execute(FEEDBACK.insert(), {"text": kept.feedback, **about})
    if kept.rated:
        rated = {"intent": kept.rated.intent, "useful": kept.rated.useful, **about}
        connection.execute(_put(connection.dialect.name, RATING, tuple(rated)), rated)


def _subscribe(connection: Connection, kept: Kept) -> None:
    """Alerts begun or ended. After STOP there are none, nor is there a talk with a volunteer, and the address is gone."""
    if new := kept.subscribe:
        row = insert(connection.dialect.name, SUBSCRIPTION).values(new.model_dump(exclude={"id"}))
        connection.execute(row.on_conflict_do_update(index_elements=["key", "county"], set_={"language": new.language, "address": new.address}))
    stopped = "opted_out" in kept.changed and kept.person.opted_out
    if stopped:
        connection.execute(delete(HANDOVER).where(HANDOVER.c.key == kept.person.key))
    if kept.unsubscribe is not None or stopped:
        ending = delete(SUBSCRIPTION).where(SUBSCRIPTION.c.key == kept.person.key)
        connection.execute(ending.where(SUBSCRIPTION.c.county == kept.unsubscribe) if kept.unsubscribe else ending)


def _forget(connection: Connection, kept: Kept) -> None:
    """Everything of a person, in every table with their key; that this last message was answered is kept without it, and names nobody."""
    for table in SQLModel.metadata.tables.values():
        if "key" in table.c:
            but = _not_before(kept.handled) if table is OWED else ()
            connection.execute(delete(table).where(table.c.key == kept.person.key, *but))


def _not_before(handled: Handled) -> tuple[ColumnElement[bool], ...]:
    """Of what is owed an answer, DELETE leaves itself and what was written after it."""
    own = (OWED.c.channel == handled.channel) & (OWED.c.message_id == handled.message_id)
    return ~own, OWED.c.at <= func.coalesce(rows(OWED.c.at).where(own).scalar_subquery(), handled.at)


@cache
def _put(dialect: str, table: Table, changed: tuple[str, ...]) -> postgresql.Insert | sqlite.Insert:
    """A row, or what changed of the one that is there."""
    row = insert(dialect, table)
    keys = [column.name for column in table.primary_key]
    new = {name: row.excluded[name] for name in changed}
    return row.on_conflict_do_update(index_elements=keys, set_=new) if new else row.on_conflict_do_nothing()


@cache
def _one_more(dialect: str) -> postgresql.Insert | sqlite.Insert:
    return insert(dialect, TALLY).on_conflict_do_update(index_elements=[column.name for column in TALLY.primary_key], set_={"count": TALLY.c.count + 1})
