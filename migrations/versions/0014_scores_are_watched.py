"""Scores are counted by day, and alarms are raised, acknowledged, cleared and told.

A migration is one sentence. It is tried with rows in it, on SQLite and PostgreSQL, and afterwards
the database equals the models (tests/migrations).
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "score_days",
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("classifier_id", ID, autoincrement=False, nullable=False),
        sa.Column("part", sa.String(length=16), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("label", sa.String(length=32), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint(
            "day", "classifier_id", "part", "name", "label", name="pk_score_days"
        ),
    )
    op.create_table(
        "verdict_days",
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("policy_version_id", ID, autoincrement=False, nullable=False),
        sa.Column("judged", ID, nullable=False),
        sa.Column("held", ID, nullable=False),
        sa.Column("rejected", ID, nullable=False),
        sa.PrimaryKeyConstraint("day", "policy_version_id", name="pk_verdict_days"),
    )
    op.create_table(
        "score_reach",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_score_reach"),
    )
    op.create_table(
        "alarms",
        sa.Column("id", ID, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("advice", sa.Text(), nullable=False),
        sa.Column("opened_at", TIME, nullable=False),
        sa.Column("seen_at", TIME, nullable=False),
        sa.Column("acknowledged_by", ID, nullable=True),
        sa.Column("acknowledged_at", TIME, nullable=True),
        sa.Column("cleared_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_alarms"),
    )
    op.create_index(
        "uq_alarms_kind_subject",
        "alarms",
        ["kind", "subject"],
        unique=True,
        sqlite_where=sa.text("cleared_at IS NULL"),
        postgresql_where=sa.text("cleared_at IS NULL"),
    )
    op.create_index("ix_alarms_cleared_at_id", "alarms", ["cleared_at", "id"])
    op.create_table(
        "alarm_calls",
        sa.Column("id", ID, nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("ready_at", TIME, nullable=True),
        sa.Column("attempts", ID, nullable=False),
        sa.Column("lease", sa.String(length=32), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.Column("sent_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_alarm_calls"),
    )
    op.create_index(
        "ix_alarm_calls_to_send",
        "alarm_calls",
        ["ready_at", "id"],
        sqlite_where=sa.text("ready_at IS NOT NULL"),
        postgresql_where=sa.text("ready_at IS NOT NULL"),
    )
    op.create_table(
        "alarm_limits",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("author", ID, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("adopted_at", TIME, nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_alarm_limits"),
    )
    op.create_table(
        "calibration_proposals",
        sa.Column("id", ID, nullable=False),
        sa.Column("asked_by", ID, nullable=True),
        sa.Column("asked_at", TIME, nullable=False),
        sa.Column("fitted_at", TIME, nullable=True),
        sa.Column("base_id", ID, nullable=False),
        sa.Column("calibration_id", ID, nullable=True),
        sa.Column("refits", sa.JSON(), nullable=False),
        sa.Column("adopted_as", ID, nullable=True),
        sa.ForeignKeyConstraint(
            ["base_id"], ["classifiers.id"], name="fk_calibration_proposals_base_id"
        ),
        sa.ForeignKeyConstraint(
            ["calibration_id"],
            ["calibrations.id"],
            name="fk_calibration_proposals_calibration_id",
        ),
        sa.ForeignKeyConstraint(
            ["adopted_as"], ["policy_versions.id"], name="fk_calibration_proposals_adopted_as"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_calibration_proposals"),
    )


def downgrade() -> None:
    for table in (
        "calibration_proposals",
        "alarm_limits",
        "alarm_calls",
        "alarms",
        "score_reach",
        "verdict_days",
        "score_days",
    ):
        op.drop_table(table)
