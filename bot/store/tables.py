"""What is remembered, as tables. A person is a keyed hash; no number, no name.

What every answer makes anew is a plain model with its table beside it: a mapped object takes ten times as long to make.
"""

from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any

from pydantic_core import PydanticUndefined
from sqlalchemy import JSON, Column, DateTime, Dialect, LargeBinary, Text, TypeDecorator
from sqlmodel import Field, SQLModel


class Moment(TypeDecorator[datetime]):
    """A time with its zone. SQLite forgets zones; all of ours are UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        return value.replace(tzinfo=UTC) if value and not value.tzinfo else value


def moment_column(*, nullable: bool = False, **kwargs: Any) -> Any:
    """A column of times."""
    return Field(default=None if nullable else PydanticUndefined, sa_column=Column(Moment(), nullable=nullable, **kwargs))


class Person(SQLModel):
    """Somebody who wrote: what they would rather not say twice."""

    key: str = Field(primary_key=True, max_length=64)
    language: str | None = Field(default=None, max_length=2)
    language_fixed: bool = False
    county: str | None = Field(default=None, max_length=40)
    opted_out: bool = False
    seen_at: datetime = moment_column()


class PersonRow(Person, table=True):
    """Its table."""

    __tablename__ = "person"


class Conversation(SQLModel):
    """Where a conversation stands: the question that is open, the choices on offer, what MORE would give."""

    key: str = Field(primary_key=True, max_length=64)
    waiting_for: str | None = Field(default=None, max_length=60)
    choices: list[dict[str, str]] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    rest: str = Field(default="", sa_type=Text)
    updated_at: datetime = moment_column()


class ConversationRow(Conversation, table=True):
    """Its table."""

    __tablename__ = "conversation"


class Handled(SQLModel):
    """A message that was answered, and the answer, so that the same message gets the same one again."""

    channel: str = Field(primary_key=True, max_length=20)
    message_id: str = Field(primary_key=True, max_length=128)
    key: str = Field(max_length=64, index=True)
    answer: str = Field(sa_type=Text)
    at: datetime = moment_column(index=True)


class HandledRow(Handled, table=True):
    """Its table."""

    __tablename__ = "handled"


class Unanswered(SQLModel, table=True):
    """A question that Faro could not answer, scrubbed, for the volunteers."""

    __tablename__ = "unanswered"

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(max_length=64, index=True)
    text: str = Field(sa_type=Text)
    language: str = Field(max_length=2)
    county: str | None = Field(default=None, max_length=40)
    at: datetime = moment_column(index=True)


class Rating(SQLModel, table=True):
    """Whether a page was useful to a person; who changes their mind is counted once."""

    __tablename__ = "rating"

    key: str = Field(primary_key=True, max_length=64)
    intent: str = Field(primary_key=True, max_length=60)
    useful: bool
    language: str = Field(max_length=2)
    county: str | None = Field(default=None, max_length=40)
    at: datetime = moment_column(index=True)


class Feedback(SQLModel, table=True):
    """What a resident said of an answer, scrubbed, for the volunteers."""

    __tablename__ = "feedback"

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(max_length=64, index=True)
    text: str = Field(sa_type=Text)
    language: str = Field(max_length=2)
    county: str | None = Field(default=None, max_length=40)
    at: datetime = moment_column(index=True)


class Owed(SQLModel, table=True):
    """A message that is owed an answer, sealed. Gone when the answer is sent. `key` is whose it is, for DELETE."""

    __tablename__ = "inbox"

    channel: str = Field(primary_key=True, max_length=20)
    message_id: str = Field(primary_key=True, max_length=128)
    key: str = Field(default="", max_length=64, index=True, sa_column_kwargs={"server_default": ""})
    payload: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    at: datetime = moment_column(index=True)
    taken_until: datetime = moment_column(index=True)
    sent: int = 0
    tries: int = 0


class Handling(StrEnum):
    """What became of a message."""

    ANSWERED = "answered"
    OFFERED = "offered"
    REFUSED = "refused"
    CRISIS = "crisis"
    ORDER = "order"


class Tally(SQLModel):
    """How many messages of a kind were answered on a day of North Carolina. No person is in it, so nothing here is anybody's to delete."""

    day: date = Field(primary_key=True)
    channel: str = Field(primary_key=True, max_length=20)
    language: str = Field(primary_key=True, max_length=2)
    intent: str = Field(primary_key=True, max_length=60)
    decision: str = Field(primary_key=True, max_length=10)
    county: str = Field(default="", primary_key=True, max_length=40)
    count: int = 1


class TallyRow(Tally, table=True):
    """Its table."""

    __tablename__ = "tally"
