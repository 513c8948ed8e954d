"""Deliveries in the order in which they are taken, and by what became of those of a notice: the time of a batch does not grow with how many wait or were ever sent."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_delivery_due", "delivery")
    op.drop_index("ix_delivery_notice_id", "delivery")
    op.create_index("ix_delivery_due", "delivery", ["channel", "state", "not_before", "subscription_id"])
    op.create_index("ix_delivery_notice", "delivery", ["notice_id", "state"])


def downgrade() -> None:
    op.drop_index("ix_delivery_notice", "delivery")
    op.drop_index("ix_delivery_due", "delivery")
    op.create_index("ix_delivery_notice_id", "delivery", ["notice_id"])
    op.create_index("ix_delivery_due", "delivery", ["channel", "state", "not_before"])
