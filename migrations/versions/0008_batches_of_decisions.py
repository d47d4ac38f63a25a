"""Decisions are made in batches, and each names its own

A migration is one sentence. It is tried with rows in it, on SQLite and PostgreSQL, and afterwards
the database equals the models (tests/migrations).
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

# SQLite numbers rows by itself only for INTEGER.
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "batches",
        sa.Column("id", ID, nullable=False),
        sa.Column("origin", sa.String(length=16), nullable=False),
        sa.Column("view", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("drafted_by", ID, nullable=False),
        sa.Column("drafted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_by", ID, nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undone_by", ID, nullable=True),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_batches"),
    )
    op.create_index("ix_batches_state_id", "batches", ["state", "id"], unique=False)
    op.create_table(
        "batch_cases",
        sa.Column("batch_id", ID, nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.Column("version", ID, nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("decision_id", ID, nullable=True),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], name="fk_batch_cases_batch_id"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_batch_cases_case_id"),
        sa.ForeignKeyConstraint(
            ["decision_id"], ["decisions.id"], name="fk_batch_cases_decision_id"
        ),
        sa.PrimaryKeyConstraint("batch_id", "case_id", name="pk_batch_cases"),
    )
    op.create_index(
        "ix_batch_cases_batch_id_outcome_case_id",
        "batch_cases",
        ["batch_id", "outcome", "case_id"],
        unique=False,
    )
    # In place: a rebuilt table would lose the triggers that keep the log append-only.
    op.add_column(
        "decisions",
        sa.Column(
            "batch_id", ID, sa.ForeignKey("batches.id", name="fk_decisions_batch_id"), nullable=True
        ),
        inline_references=True,
    )


def downgrade() -> None:
    op.drop_column("decisions", "batch_id")
    op.drop_table("batch_cases")
    op.drop_table("batches")
