"""What was removed is kept for the public log, figures by month for the report; switches.

A migration is one sentence. It is tried with rows in it, on SQLite and PostgreSQL, and afterwards
the database equals the models (tests/migrations).
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "removals",
        sa.Column("id", ID, nullable=False),
        sa.Column("decision_id", ID, nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("rule", ID, nullable=True),
        sa.Column("rule_title", sa.Text(), nullable=False),
        sa.Column("section", sa.Text(), nullable=False),
        sa.Column("by", sa.String(length=16), nullable=False),
        sa.Column("found_by", sa.String(length=16), nullable=False),
        sa.Column("took", ID, nullable=False),
        sa.ForeignKeyConstraint(["decision_id"], ["decisions.id"], name="fk_removals_decision_id"),
        sa.PrimaryKeyConstraint("id", name="pk_removals"),
        sa.UniqueConstraint("decision_id", name="uq_removals_decision_id"),
    )
    op.create_index("ix_removals_month_id", "removals", ["month", "id"])
    op.create_index("ix_removals_month_section", "removals", ["month", "section"])
    op.create_table(
        "months",
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("until", sa.String(length=10), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.Column("reckoned_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("month", name="pk_months"),
    )
    op.create_table(
        "switches",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.Column("turned_by", ID, nullable=False),
        sa.Column("turned_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_switches"),
    )
    op.create_index(
        "ix_decisions_rejecting",
        "decisions",
        ["at"],
        sqlite_where=sa.text("to_status = 'rejected'"),
        postgresql_where=sa.text("to_status = 'rejected'"),
    )
    op.create_index("ix_reports_created_at", "reports", ["created_at"])
    op.create_index("ix_appeals_created_at", "appeals", ["created_at"])
    op.create_index("ix_reports_answered_by_id", "reports", ["answered_by_id"])


def downgrade() -> None:
    op.drop_index("ix_appeals_created_at", "appeals")
    op.drop_index("ix_reports_answered_by_id", "reports")
    op.drop_index("ix_reports_created_at", "reports")
    op.drop_index("ix_decisions_rejecting", "decisions")
    op.drop_table("switches")
    op.drop_table("months")
    op.drop_table("removals")
