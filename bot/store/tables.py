"""What is remembered, as tables. A person is a keyed hash; no number, no name."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, DateTime, Text
from sqlmodel import Field, SQLModel


def _moment(**kwargs: Any) -> Any:
    return Field(sa_column=Column(DateTime(timezone=True), nullable=False, **kwargs))


class Person(SQLModel, table=True):
    """Somebody who wrote: what they would rather not say twice."""

    __tablename__ = "person"

    key: str = Field(primary_key=True, max_length=64)
    language: str | None = Field(default=None, max_length=2)
    language_fixed: bool = False
    county: str | None = Field(default=None, max_length=40)
    opted_out: bool = False
    seen_at: datetime = _moment()


class Conversation(SQLModel, table=True):
    """Where a conversation stands: the question that is open, the choices on offer, what MORE would give."""

    __tablename__ = "conversation"

    key: str = Field(primary_key=True, max_length=64)
    waiting_for: str | None = Field(default=None, max_length=60)
    choices: list[dict[str, str]] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    rest: str = Field(default="", sa_type=Text)
    updated_at: datetime = _moment()


class Handled(SQLModel, table=True):
    """A message that was answered, and the answer, so that the same message gets the same one again."""

    __tablename__ = "handled"

    channel: str = Field(primary_key=True, max_length=20)
    message_id: str = Field(primary_key=True, max_length=128)
    key: str = Field(max_length=64, index=True)
    answer: str = Field(sa_type=Text)
    at: datetime = _moment(index=True)


class Unanswered(SQLModel, table=True):
    """A question that Faro could not answer, scrubbed, for the volunteers."""

    __tablename__ = "unanswered"

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(max_length=64, index=True)
    text: str = Field(sa_type=Text)
    language: str = Field(max_length=2)
    county: str | None = Field(default=None, max_length=40)
    at: datetime = _moment(index=True)


class Feedback(SQLModel, table=True):
    """What a resident said of an answer, scrubbed, for the volunteers."""

    __tablename__ = "feedback"

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(max_length=64, index=True)
    text: str = Field(sa_type=Text)
    language: str = Field(max_length=2)
    county: str | None = Field(default=None, max_length=40)
    at: datetime = _moment(index=True)
