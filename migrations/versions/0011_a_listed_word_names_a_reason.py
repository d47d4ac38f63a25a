"""A listed word names the reason of a rejection by it.

A migration is one sentence. It is tried with rows in it, on SQLite and PostgreSQL, and afterwards
the database equals the models (tests/migrations).
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column(
        "listed_words", sa.Column("reason", sa.String(length=32), server_default="", nullable=False)
    )


def downgrade() -> None:
    op.drop_column("listed_words", "reason")
