"""Scores say in which section a text stood, and how old its article was; batches, whose policy.

A migration is one sentence. It is tried with rows in it, on SQLite and PostgreSQL, and afterwards
the database equals the models (tests/migrations).
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "sections",
        sa.Column("id", ID, nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sections"),
        sa.UniqueConstraint("path", name="uq_sections_path"),
    )
    op.add_column(
        "scores",
        sa.Column(
            "section_id",
            ID,
            sa.ForeignKey("sections.id", name="fk_scores_section_id"),
            nullable=True,
        ),
        inline_references=True,
    )
    op.add_column("scores", sa.Column("older", ID, server_default="0", nullable=False))
    op.add_column(
        "batches",
        sa.Column(
            "policy_version_id",
            ID,
            sa.ForeignKey("policy_versions.id", name="fk_batches_policy_version_id"),
            nullable=True,
        ),
        inline_references=True,
    )
    # What was scored before stands where its article stands now: so other thresholds for a section
    # can be tried on it.
    days = (
        "CAST(julianday(scores.scored_at) - julianday(articles.created_at) AS INTEGER)"
        if op.get_bind().dialect.name == "sqlite"
        else "FLOOR(EXTRACT(EPOCH FROM scores.scored_at - articles.created_at) / 86400)"
    )
    op.execute(
        "INSERT INTO sections (path)"
        " SELECT DISTINCT section_path FROM articles WHERE section_path <> ''"
    )
    op.execute(
        "UPDATE scores SET section_id = sections.id,"  # noqa: S608
        f" older = CASE WHEN {days} > 0 THEN {days} ELSE 0 END"
        " FROM cases JOIN articles ON articles.id = cases.context"
        " LEFT JOIN sections ON sections.path = articles.section_path"
        " WHERE cases.id = scores.case_id"
    )


def downgrade() -> None:
    op.drop_column("batches", "policy_version_id")
    op.drop_column("scores", "older")
    op.drop_column("scores", "section_id")
    op.drop_table("sections")
