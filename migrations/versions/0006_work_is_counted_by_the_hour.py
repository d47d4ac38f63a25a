"""Work is counted by the hour, and how long decisions take is measured

A migration is one sentence. It is tried with rows in it, on SQLite and PostgreSQL, and afterwards
the database equals the models (tests/migrations).
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

# SQLite numbers rows by itself only for INTEGER.
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("claims", sa.Column("since", MOMENT, nullable=True))
    op.create_table(
        "spent",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("hour", MOMENT, nullable=False),
        sa.Column("seconds", ID, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_spent"),
    )
    op.create_index("ix_spent_hour_seconds", "spent", ["hour", "seconds"], unique=False)
    op.create_table(
        "work_hours",
        sa.Column("hour", MOMENT, nullable=False),
        sa.Column("section_path", sa.Text(), nullable=False),
        sa.Column("arrived", ID, nullable=False),
        sa.Column("decided", ID, nullable=False),
        sa.Column("left", ID, nullable=False),
        sa.Column("waited", ID, nullable=False),
        sa.PrimaryKeyConstraint("hour", "section_path", name="pk_work_hours"),
    )
    op.create_table(
        "work_grounds",
        sa.Column("hour", MOMENT, nullable=False),
        sa.Column("ground", sa.Text(), nullable=False),
        sa.Column("cases", ID, nullable=False),
        sa.Column("alone", ID, nullable=False),
        sa.PrimaryKeyConstraint("hour", "ground", name="pk_work_grounds"),
    )
    op.create_table(
        "work_reach",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("line", ID, nullable=False),
        sa.Column("hour", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_work_reach"),
    )


def downgrade() -> None:
    op.drop_table("work_reach")
    op.drop_table("work_grounds")
    op.drop_table("work_hours")
    op.drop_table("spent")
    op.drop_column("claims", "since")
