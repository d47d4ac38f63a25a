"""How a moderator wants to work, and the labels that a case in the queue is held for

A migration is one sentence. It is tried with rows in it, on SQLite and PostgreSQL, and afterwards
the database equals the models (tests/migrations).
"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

# SQLite numbers rows by itself only for INTEGER.
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "habits",
        sa.Column("account_id", ID, autoincrement=False, nullable=False),
        sa.Column("covers", sa.Boolean(), nullable=False),
        sa.Column("cases", ID, nullable=True),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("minutes", ID, nullable=False),
        sa.Column("rested_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("left_out", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_habits_account_id"),
        sa.PrimaryKeyConstraint("account_id", name="pk_habits"),
    )
    op.add_column("places", sa.Column("held_labels", sa.Text(), nullable=False, server_default=""))
    connection = op.get_bind()
    verdicts = connection.execute(
        sa.text(
            "SELECT case_id, findings FROM decisions WHERE id IN (SELECT max(id) FROM decisions"
            " WHERE kind IN ('verdict', 'park') AND case_id IN (SELECT case_id FROM places)"
            " GROUP BY case_id)"
        )
    ).all()
    for case_id, findings in verdicts:
        found = json.loads(findings) if isinstance(findings, str) else findings
        over = " ".join(each["label"] for each in found if each["code"].startswith("above_"))
        if over:
            connection.execute(
                sa.text("UPDATE places SET held_labels = :over WHERE case_id = :case_id"),
                {"over": f" {over} ", "case_id": case_id},
            )


def downgrade() -> None:
    op.drop_column("places", "held_labels")
    op.drop_table("habits")
