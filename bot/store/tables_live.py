"""What is remembered of live information: what the feeds said, who asked for alerts, what is to be sent, who talks to a volunteer."""

from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import JSON, Column, Index, LargeBinary, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from bot.store.tables import moment_column


class Lease(SQLModel, table=True):
    """Which Faro among several does a thing that one must do: ask a feed, send at a rate."""

    __tablename__ = "lease"

    name: str = Field(primary_key=True, max_length=60)
    holder: str = Field(max_length=40)
    until: datetime = moment_column()


class Feed(SQLModel, table=True):
    """One feed of the outside world: its last good list (JSON), when that was, and what is wrong with it now."""

    __tablename__ = "feed"

    name: str = Field(primary_key=True, max_length=40)
    etag: str = Field(default="", max_length=200)
    modified: str = Field(default="", max_length=60)
    asked_at: datetime = moment_column()
    good_at: datetime | None = moment_column(nullable=True)
    items: str = Field(default="[]", sa_type=Text)
    trouble: str = Field(default="", max_length=200)


class Opening(SQLModel, table=True):
    """A coordinator's word on a shelter, opened or closed. Rows are added, never changed; the newest of a site counts."""

    __tablename__ = "opening"

    id: int | None = Field(default=None, primary_key=True)
    site: str = Field(max_length=80, index=True)
    open: bool
    facts: str = Field(default="{}", sa_type=Text)
    by: str = Field(max_length=60)
    at: datetime = moment_column()


class Subscription(SQLModel, table=True):
    """Somebody who asked for alerts of a county, and said so twice. The only place where an address is kept for long, sealed."""

    __tablename__ = "subscription"
    __table_args__ = (UniqueConstraint("key", "county"), Index("ix_subscription_county_channel", "county", "channel"))

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(max_length=64, index=True)
    channel: str = Field(max_length=20)
    county: str = Field(max_length=40)
    language: str = Field(max_length=2)
    address: bytes = Field(sa_column=Column(LargeBinary, nullable=False), repr=False)
    at: datetime = moment_column()


class NoticeState(StrEnum):
    """Where a notice stands. Only SENDING sends."""

    DRAFT = "draft"
    SENDING = "sending"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    DONE = "done"


# The rank of what nothing waits for.
LAST: Final = 9


class Notice(SQLModel, table=True):
    """Something to be told to those who asked for alerts of some counties: an alert of the Weather Service, or a coordinator's broadcast.

    `event` is what it is about: nobody is told of one event twice, however many notices speak of it. Of those that are about life the lowest `rank` goes first.
    """

    __tablename__ = "notice"

    id: str = Field(primary_key=True, max_length=40)
    event: str = Field(max_length=200, index=True)
    kind: str = Field(max_length=20)
    counties: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    en: str = Field(sa_type=Text)
    es: str = Field(sa_type=Text)
    life_safety: bool = False
    rank: int = Field(default=LAST, sa_column_kwargs={"server_default": str(LAST)})
    expires_at: datetime = moment_column()
    state: str = Field(max_length=10, index=True)
    made_by: str = Field(max_length=60)
    made_at: datetime = moment_column()
    confirmed_by: str | None = Field(default=None, max_length=60)


class DeliveryState(StrEnum):
    """What became of one notice for one person."""

    WAITING = "waiting"
    TAKEN = "taken"
    SENT = "sent"
    FAILED = "failed"
    WITHHELD = "withheld"
    EXPIRED = "expired"


class Delivery(SQLModel, table=True):
    """One notice for one person. The key keeps an event from being told twice."""

    __tablename__ = "delivery"
    __table_args__ = (Index("ix_delivery_due", "channel", "state", "notice_id", "not_before", "subscription_id"), Index("ix_delivery_notice", "notice_id", "state"))

    event: str = Field(primary_key=True, max_length=200)
    key: str = Field(primary_key=True, max_length=64, index=True)
    notice_id: str = Field(max_length=40)
    subscription_id: int
    channel: str = Field(max_length=20)
    state: str = Field(max_length=10)
    tries: int = 0
    not_before: datetime = moment_column()
    at: datetime = moment_column()


class Handover(SQLModel, table=True):
    """A resident who talks to a volunteer. The address is sealed, and gone when the talk ends. Its number is never given to another talk."""

    __tablename__ = "handover"
    __table_args__ = {"sqlite_autoincrement": True}

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(max_length=64, index=True, unique=True)
    channel: str = Field(max_length=20)
    language: str = Field(max_length=2)
    county: str | None = Field(default=None, max_length=40)
    address: bytes = Field(sa_column=Column(LargeBinary, nullable=False), repr=False)
    since: datetime = moment_column()
    last_at: datetime = moment_column()


class HandoverNote(SQLModel, table=True):
    """A message in the volunteers' group, and whose talk it belongs to: a volunteer answers by replying to it. Gone with the talk."""

    __tablename__ = "handover_note"

    chat_id: str = Field(primary_key=True, max_length=40)
    message_id: int = Field(primary_key=True)
    handover_id: int = Field(foreign_key="handover.id", ondelete="CASCADE", index=True)


class Duty(SQLModel, table=True):
    """A volunteer who is on duty in a group, as a keyed hash."""

    __tablename__ = "duty"

    key: str = Field(primary_key=True, max_length=64)
    chat_id: str = Field(max_length=40)
    at: datetime = moment_column()
