"""The first tables: person, conversation, handled, unanswered, feedback."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "person",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("language", sa.String(2)),
        sa.Column("language_fixed", sa.Boolean, nullable=False),
        sa.Column("county", sa.String(40)),
        sa.Column("opted_out", sa.Boolean, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
    )
    op.create_table(
        "conversation",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("waiting_for", sa.String(60)),
        sa.Column("choices", sa.JSON, nullable=False),
        sa.Column("rest", sa.Text, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
    )
    op.create_table(
        "handled",
        sa.Column("channel", sa.String(20), primary_key=True),
        sa.Column("message_id", sa.String(128), primary_key=True),
        sa.Column("key", sa.String(64), nullable=False, index=True),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("at", MOMENT, nullable=False, index=True),
    )
    for table in ("unanswered", "feedback"):
        op.create_table(
            table,
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column("key", sa.String(64), nullable=False, index=True),
            sa.Column("text", sa.Text, nullable=False),
            sa.Column("language", sa.String(2), nullable=False),
            sa.Column("county", sa.String(40)),
            sa.Column("at", MOMENT, nullable=False, index=True),
        )


def downgrade() -> None:
    for table in ("feedback", "unanswered", "handled", "conversation", "person"):
        op.drop_table(table)
