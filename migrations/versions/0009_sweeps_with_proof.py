"""Sweeps draw random cases from a band of scores, by terms that an admin sets

A migration is one sentence. It is tried with rows in it, on SQLite and PostgreSQL, and afterwards
the database equals the models (tests/migrations).
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

# SQLite numbers rows by itself only for INTEGER.
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "sweep_terms",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("author", ID, nullable=False),
        sa.Column("adopted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("limit", sa.Float(), nullable=False),
        sa.Column("error", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sweep_terms"),
    )
    op.create_table(
        "sweeps",
        sa.Column("id", ID, nullable=False),
        sa.Column("label", sa.String(length=32), nullable=False),
        sa.Column("least", sa.Float(), nullable=False),
        sa.Column("most", sa.Float(), nullable=False),
        sa.Column("begun_by", ID, nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("line", ID, nullable=False),
        sa.Column("seed", ID, nullable=False),
        sa.Column("size", ID, nullable=False),
        sa.Column("limit", sa.Float(), nullable=False),
        sa.Column("error", sa.Float(), nullable=False),
        sa.Column("drawn", ID, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sweeps"),
    )
    op.create_table(
        "sweep_cases",
        sa.Column("sweep_id", ID, nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.Column("position", ID, nullable=False),
        sa.Column("revision", ID, nullable=False),
        sa.ForeignKeyConstraint(["sweep_id"], ["sweeps.id"], name="fk_sweep_cases_sweep_id"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_sweep_cases_case_id"),
        sa.PrimaryKeyConstraint("sweep_id", "case_id", name="pk_sweep_cases"),
    )
    op.create_index(
        "ix_sweep_cases_sweep_id_position", "sweep_cases", ["sweep_id", "position"], unique=False
    )
    op.add_column(
        "batches",
        sa.Column(
            "sweep_id", ID, sa.ForeignKey("sweeps.id", name="fk_batches_sweep_id"), nullable=True
        ),
        inline_references=True,
    )


def downgrade() -> None:
    op.drop_column("batches", "sweep_id")
    op.drop_table("sweep_cases")
    op.drop_table("sweeps")
    op.drop_table("sweep_terms")
