"""Decided cases come to somebody else unmarked, by shares in versions, or as golden ones.

A migration is one sentence. It is tried with rows in it, on SQLite and PostgreSQL, and afterwards
the database equals the models (tests/migrations).
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("decisions", sa.Column("stratum", sa.String(length=24), nullable=True))
    op.add_column("decisions", sa.Column("share", sa.Float(), nullable=True))
    op.create_index(
        "ix_decisions_auditable",
        "decisions",
        ["id"],
        sqlite_where=sa.text("stratum IS NOT NULL"),
        postgresql_where=sa.text("stratum IS NOT NULL"),
    )
    op.create_table(
        "audit_versions",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("author", ID, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("adopted_at", TIME, nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_versions"),
    )
    op.create_table(
        "golden_cases",
        sa.Column("id", ID, nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.Column("revision", ID, nullable=False),
        sa.Column("answer", sa.String(length=16), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("marked_by", ID, nullable=False),
        sa.Column("marked_at", TIME, nullable=False),
        sa.Column("retired_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_golden_cases_case_id"),
        sa.PrimaryKeyConstraint("id", name="pk_golden_cases"),
    )
    op.create_index(
        "uq_golden_cases_case_id",
        "golden_cases",
        ["case_id"],
        unique=True,
        sqlite_where=sa.text("retired_at IS NULL"),
        postgresql_where=sa.text("retired_at IS NULL"),
    )
    op.create_table(
        "audits",
        sa.Column("id", ID, nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.Column("revision", ID, nullable=False),
        sa.Column("decision_id", ID, nullable=False),
        sa.Column("stratum", sa.String(length=24), nullable=False),
        sa.Column("share", sa.Float(), nullable=False),
        sa.Column("decided_by", ID, nullable=True),
        sa.Column("expected", sa.String(length=16), nullable=False),
        sa.Column("words_alone", sa.Boolean(), nullable=False),
        sa.Column("only_for", ID, nullable=True),
        sa.Column("golden_id", ID, nullable=True),
        sa.Column("since", TIME, nullable=False),
        sa.Column("drawn_at", TIME, nullable=False),
        sa.Column("ended_at", TIME, nullable=True),
        sa.Column("answer", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("answered_by", ID, nullable=True),
        sa.Column("answer_id", ID, nullable=True),
        sa.Column("unmarked", sa.Boolean(), nullable=False),
        sa.Column("settled_id", ID, nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_audits_case_id"),
        sa.ForeignKeyConstraint(["decision_id"], ["decisions.id"], name="fk_audits_decision_id"),
        sa.ForeignKeyConstraint(["golden_id"], ["golden_cases.id"], name="fk_audits_golden_id"),
        sa.ForeignKeyConstraint(["answer_id"], ["decisions.id"], name="fk_audits_answer_id"),
        sa.ForeignKeyConstraint(["settled_id"], ["decisions.id"], name="fk_audits_settled_id"),
        sa.PrimaryKeyConstraint("id", name="pk_audits"),
    )
    op.create_index("ix_audits_decision_id", "audits", ["decision_id"])
    op.create_index("ix_audits_case_id_id", "audits", ["case_id", "id"])
    op.create_index("ix_audits_drawn_at_stratum", "audits", ["drawn_at", "stratum"])
    op.create_index("ix_audits_only_for_golden_id", "audits", ["only_for", "golden_id"])
    op.create_index(
        "uq_audits_case_id",
        "audits",
        ["case_id"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "audit_counts",
        sa.Column("behind", ID, autoincrement=False, nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("stratum", sa.String(length=24), nullable=False),
        sa.Column("upto", ID, nullable=False),
        sa.Column("many", ID, nullable=False),
        sa.PrimaryKeyConstraint("behind", "month", "stratum", name="pk_audit_counts"),
    )
    op.create_index("ix_audit_counts_upto", "audit_counts", ["upto"])


def downgrade() -> None:
    for table in ("audit_counts", "audits", "golden_cases", "audit_versions"):
        op.drop_table(table)
    op.drop_index("ix_decisions_auditable", "decisions")
    op.drop_column("decisions", "share")
    op.drop_column("decisions", "stratum")
