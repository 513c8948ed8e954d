"""Which notice goes first: a rank, and the deliveries of each notice in the order in which they are taken. A Faro of before, which still runs, ranks nothing."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("notice", sa.Column("rank", sa.Integer, nullable=False, server_default="9"))
    op.drop_index("ix_delivery_due", "delivery")
    op.create_index("ix_delivery_due", "delivery", ["channel", "state", "notice_id", "not_before", "subscription_id"])


def downgrade() -> None:
    op.drop_index("ix_delivery_due", "delivery")
    op.create_index("ix_delivery_due", "delivery", ["channel", "state", "not_before", "subscription_id"])
    op.drop_column("notice", "rank")
