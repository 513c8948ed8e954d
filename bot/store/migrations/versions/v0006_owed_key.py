"""Whose a message is that is owed an answer, so that DELETE finds it. A Faro of before, which still runs, leaves it empty."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("inbox", sa.Column("key", sa.String(64), nullable=False, server_default=""))
    op.create_index("ix_inbox_key", "inbox", ["key"])


def downgrade() -> None:
    op.drop_index("ix_inbox_key", "inbox")
    op.drop_column("inbox", "key")
