"""Cases say in which script they are written

A migration is one sentence. It is tried with rows in it, on SQLite and PostgreSQL, and afterwards
the database equals the models (tests/migrations).
"""

import sqlalchemy as sa
from alembic import op

from moderation.scripts import written_in

revision = "0004"
down_revision = "0003"

_AT_ONCE = 2000


def upgrade() -> None:
    for table in ("cases", "places"):
        op.add_column(
            table, sa.Column("script", sa.String(length=16), nullable=False, server_default="")
        )
    _fill()
    op.create_index("ix_cases_script_status_id", "cases", ["script", "status", "id"])
    op.create_index(
        "ix_places_script_status_urgency_case_id",
        "places",
        ["script", "status", "urgency", "case_id"],
    )


def _fill() -> None:
    # No database knows which letter is of which script.
    connection = op.get_bind()
    cases = sa.table("cases", sa.column("id"), sa.column("text"), sa.column("script"))
    page = (
        sa.select(cases.c.id, cases.c.text)
        .where(cases.c.id > sa.bindparam("after"))
        .order_by(cases.c.id)
        .limit(_AT_ONCE)
    )
    fill = (
        sa.update(cases)
        .where(cases.c.id == sa.bindparam("number"))
        .values(script=sa.bindparam("found"))
    )
    after = 0
    while rows := connection.execute(page, {"after": after}).all():
        connection.execute(
            fill, [{"number": number, "found": written_in(text)} for number, text in rows]
        )
        after = rows[-1][0]
    op.execute(
        "UPDATE places SET script = (SELECT script FROM cases WHERE cases.id = places.case_id)"
    )


def downgrade() -> None:
    op.drop_index("ix_places_script_status_urgency_case_id", "places")
    op.drop_index("ix_cases_script_status_id", "cases")
    op.drop_column("places", "script")
    op.drop_column("cases", "script")
