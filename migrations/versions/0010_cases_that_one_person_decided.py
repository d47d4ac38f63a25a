"""The cases that one person decided are found without reading the log

A migration is one sentence. It is tried with rows in it, on SQLite and PostgreSQL, and afterwards
the database equals the models (tests/migrations).
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    by_people = sa.text("kind IN ('approve', 'reject')")
    op.create_index(
        "ix_decisions_of_person",
        "decisions",
        ["actor", "case_id"],
        sqlite_where=by_people,
        postgresql_where=by_people,
    )


def downgrade() -> None:
    op.drop_index("ix_decisions_of_person", table_name="decisions")
