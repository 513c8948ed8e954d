"""How many messages of a kind were answered on a day."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tally",
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("channel", sa.String(20), primary_key=True),
        sa.Column("language", sa.String(2), primary_key=True),
        sa.Column("intent", sa.String(60), primary_key=True),
        sa.Column("decision", sa.String(10), primary_key=True),
        sa.Column("county", sa.String(40), primary_key=True),
        sa.Column("count", sa.Integer, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("tally")
