"""Policies are checked for fairness before they count, and may be rehearsed.

A migration is one sentence. It is tried with rows in it, on SQLite and PostgreSQL, and afterwards
the database equals the models (tests/migrations).
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("policy_versions", sa.Column("fairness", sa.JSON(), nullable=True))
    op.create_table(
        "suite_pieces",
        sa.Column("classifier_id", ID, nullable=False),
        sa.Column("suite", sa.String(length=16), nullable=False),
        sa.Column("start", ID, nullable=False),
        sa.Column("scores", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["classifier_id"], ["classifiers.id"], name="fk_suite_pieces_classifier_id"
        ),
        sa.PrimaryKeyConstraint("classifier_id", "suite", "start", name="pk_suite_pieces"),
    )
    op.create_table(
        "rehearsals",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("based_on", ID, nullable=False),
        sa.Column("classifier_id", ID, nullable=False),
        sa.Column("share", sa.Float(), nullable=False),
        sa.Column("seed", ID, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("started_by", ID, nullable=True),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("ends_at", TIME, nullable=False),
        sa.Column("ended_at", TIME, nullable=True),
        sa.Column("ended_by", ID, nullable=True),
        sa.Column("ended_why", sa.String(length=16), nullable=False),
        sa.Column("fairness", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(
            ["based_on"], ["policy_versions.id"], name="fk_rehearsals_based_on"
        ),
        sa.ForeignKeyConstraint(
            ["classifier_id"], ["classifiers.id"], name="fk_rehearsals_classifier_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_rehearsals"),
    )
    op.create_table(
        "rehearsed",
        sa.Column("rehearsal_id", ID, nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.Column("revision", ID, nullable=False),
        sa.Column("context", ID, nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("in_force", sa.String(length=16), nullable=False),
        sa.Column("decides", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["rehearsal_id"], ["rehearsals.id"], name="fk_rehearsed_rehearsal_id"
        ),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_rehearsed_case_id"),
        sa.PrimaryKeyConstraint("rehearsal_id", "case_id", "revision", name="pk_rehearsed"),
    )
    op.create_index(
        "ix_rehearsed_counted",
        "rehearsed",
        ["rehearsal_id", "context", "decides", "in_force", "verdict"],
    )
    op.create_index(
        "ix_rehearsed_apart",
        "rehearsed",
        ["rehearsal_id", "case_id"],
        sqlite_where=sa.text("verdict <> in_force"),
        postgresql_where=sa.text("verdict <> in_force"),
    )
    # In place: a rebuilt table would lose the triggers that keep the log append-only.
    op.add_column(
        "decisions",
        sa.Column(
            "rehearsal_id",
            ID,
            sa.ForeignKey("rehearsals.id", name="fk_decisions_rehearsal_id"),
            nullable=True,
        ),
        inline_references=True,
    )


def downgrade() -> None:
    op.drop_column("decisions", "rehearsal_id")
    for table in ("rehearsed", "rehearsals", "suite_pieces"):
        op.drop_table(table)
    op.drop_column("policy_versions", "fairness")
