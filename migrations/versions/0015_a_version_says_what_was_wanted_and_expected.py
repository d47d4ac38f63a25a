"""A version of the policy says what was wanted, what was expected of it, and what came.

A migration is one sentence. It is tried with rows in it, on SQLite and PostgreSQL, and afterwards
the database equals the models (tests/migrations).
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    for name in ("goal", "prediction", "outcome"):
        op.add_column("policy_versions", sa.Column(name, sa.JSON(), nullable=True))


def downgrade() -> None:
    for name in ("outcome", "prediction", "goal"):
        op.drop_column("policy_versions", name)
