"""Live information: feeds, shelters opened by hand, alerts and who asked for them, talks with volunteers."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TABLES = ("duty", "handover_note", "handover", "delivery", "notice", "subscription", "opening", "feed", "lease")


def moment(name: str, *, nullable: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def text(name: str, length: int | None = None, **kwargs: Any) -> sa.Column[str]:
    return sa.Column(name, sa.String(length) if length else sa.Text, **{"nullable": False, **kwargs})


def upgrade() -> None:
    op.create_table("lease", text("name", 60, primary_key=True), text("holder", 40), moment("until"))
    op.create_table("feed", text("name", 40, primary_key=True), text("etag", 200), text("modified", 60), moment("asked_at"), moment("good_at", nullable=True), text("items"), text("trouble", 200))
    op.create_table("opening", sa.Column("id", sa.Integer, primary_key=True), text("site", 80, index=True), sa.Column("open", sa.Boolean, nullable=False), text("facts"), text("by", 60), moment("at"))
    op.create_table(
        "subscription",
        sa.Column("id", sa.Integer, primary_key=True),
        text("key", 64, index=True),
        text("channel", 20),
        text("county", 40),
        text("language", 2),
        sa.Column("address", sa.LargeBinary, nullable=False),
        moment("at"),
        sa.UniqueConstraint("key", "county"),
        sa.Index("ix_subscription_county_channel", "county", "channel"),
    )
    op.create_table(
        "notice",
        text("id", 40, primary_key=True),
        text("event", 200, index=True),
        text("kind", 20),
        sa.Column("counties", sa.JSON, nullable=False),
        text("en"),
        text("es"),
        sa.Column("life_safety", sa.Boolean, nullable=False),
        moment("expires_at"),
        text("state", 10, index=True),
        text("made_by", 60),
        moment("made_at"),
        text("confirmed_by", 60, nullable=True),
    )
    op.create_table(
        "delivery",
        text("event", 200, primary_key=True),
        text("key", 64, primary_key=True, index=True),
        text("notice_id", 40, index=True),
        sa.Column("subscription_id", sa.Integer, nullable=False),
        text("channel", 20),
        text("state", 10),
        sa.Column("tries", sa.Integer, nullable=False),
        moment("not_before"),
        moment("at"),
        sa.Index("ix_delivery_due", "channel", "state", "not_before"),
    )
    op.create_table(
        "handover",
        sa.Column("id", sa.Integer, primary_key=True),
        text("key", 64, index=True, unique=True),
        text("channel", 20),
        text("language", 2),
        text("county", 40, nullable=True),
        sa.Column("address", sa.LargeBinary, nullable=False),
        moment("since"),
        moment("last_at"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "handover_note",
        text("chat_id", 40, primary_key=True),
        sa.Column("message_id", sa.Integer, primary_key=True),
        sa.Column("handover_id", sa.Integer, sa.ForeignKey("handover.id", ondelete="CASCADE"), nullable=False, index=True),
    )
    op.create_table("duty", text("key", 64, primary_key=True), text("chat_id", 40), moment("at"))


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
