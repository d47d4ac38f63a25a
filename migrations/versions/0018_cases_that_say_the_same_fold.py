"""Held cases that say the same fold into one row of the queue; those that wait already stay alone.

A migration is one sentence. It is tried with rows in it, on SQLite and PostgreSQL, and afterwards
the database equals the models (tests/migrations).
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("places", sa.Column("fold", ID, nullable=True))
    op.create_index("ix_places_fold_urgency_case_id", "places", ["fold", "urgency", "case_id"])
    op.create_table(
        "fold_keys",
        sa.Column("key", ID, autoincrement=False, nullable=False),
        sa.Column("fold", ID, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("key", "fold", name="pk_fold_keys"),
    )
    op.create_index("ix_fold_keys_fold", "fold_keys", ["fold"])


def downgrade() -> None:
    op.drop_table("fold_keys")
    op.drop_index("ix_places_fold_urgency_case_id", "places")
    op.drop_column("places", "fold")
