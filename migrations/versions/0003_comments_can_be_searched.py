"""Comments can be searched: their words as they are compared, indexed from the first decision on

A migration is one sentence. It is tried with rows in it, on SQLite and PostgreSQL, and afterwards
the database equals the models (tests/migrations).

The tables `search_decided` and `search_waiting` are no part of the models: triggers keep them, in
the transaction of whoever posts, edits, decides or deletes.
"""

import sqlalchemy as sa
from alembic import op

from forum.search import terms

# ruff: noqa: S608  (statements are put together from the words of this file alone)

revision = "0003"
down_revision = "0002"

_AT_ONCE = 2000
TABLES = ("decided", "waiting")
# A comment waits for its scores unseen, and what its author took back is nobody's to find.
IN = "{0}.status <> 'pending' AND {0}.withdrawn_at IS NULL"
# Whether a comment's words stand in a table, by its case.
STANDS = {
    "decided": f"SELECT 1 FROM cases AS c WHERE c.id = {{0}}.case_id AND {IN.format('c')}",
    "waiting": "SELECT 1 FROM places AS p WHERE p.case_id = {0}.case_id",
}
_STATUS = "UPDATE OF status, withdrawn_at ON cases"
# When a case's words come into a table, and when they leave it.
MOVES = (
    ("decided", "in", _STATUS, f"{IN.format('new')} AND NOT ({IN.format('old')})"),
    ("decided", "out", _STATUS, f"{IN.format('old')} AND NOT ({IN.format('new')})"),
    ("waiting", "in", "INSERT ON places", "true"),
    ("waiting", "out", "DELETE ON places", "true"),
)


def upgrade() -> None:
    op.add_column("comments", sa.Column("terms", sa.Text(), nullable=False, server_default=""))
    _fill()
    if op.get_bind().dialect.name == "sqlite":
        _on_sqlite()
    else:
        _on_postgres()


def _fill() -> None:
    # As the search compares words today. A later way to compare them comes with a migration that
    # fills the column again.
    connection = op.get_bind()
    cases = sa.table("cases", sa.column("id"), sa.column("text"))
    comments = sa.table("comments", sa.column("case_id"), sa.column("terms"))
    page = (
        sa.select(cases.c.id, cases.c.text)
        .where(cases.c.id > sa.bindparam("after"))
        .order_by(cases.c.id)
        .limit(_AT_ONCE)
    )
    fill = (
        sa.update(comments)
        .where(comments.c.case_id == sa.bindparam("number"))
        .values(terms=sa.bindparam("words"))
    )
    after = 0
    while rows := connection.execute(page, {"after": after}).all():
        connection.execute(
            fill, [{"number": number, "words": terms(text)} for number, text in rows]
        )
        after = rows[-1][0]


def _on_sqlite() -> None:
    for name in TABLES:
        # Words come ready to compare, with spaces between: nothing is left to a tokenizer.
        op.execute(
            f"CREATE VIRTUAL TABLE search_{name} USING fts5(terms, content='comments',"
            " content_rowid='case_id', tokenize='ascii', columnsize=0)"
        )
        add = f"INSERT INTO search_{name}(rowid, terms) "
        # SQLite wants to be told again what it had indexed.
        drop = f"INSERT INTO search_{name}(search_{name}, rowid, terms) "
        for what, after, when, then in (
            ("posted", "INSERT", "EXISTS ({new})", [f"{add} VALUES (new.case_id, new.terms)"]),
            (
                "edited",
                "UPDATE OF terms",
                "old.terms <> new.terms AND EXISTS ({new})",
                [
                    f"{drop} VALUES ('delete', old.case_id, old.terms)",
                    f"{add} VALUES (new.case_id, new.terms)",
                ],
            ),
            (
                "deleted",
                "DELETE",
                "EXISTS ({old})",
                [f"{drop} VALUES ('delete', old.case_id, old.terms)"],
            ),
        ):
            stands = {row: STANDS[name].format(row) for row in ("new", "old")}
            op.execute(
                f"CREATE TRIGGER search_{name}_{what} AFTER {after} ON comments"
                f" WHEN {when.format(**stands)} BEGIN {'; '.join(then)}; END"
            )
    for name, what, on, when in MOVES:
        then = f"{'new' if what == 'in' else 'old'}.{'id' if name == 'decided' else 'case_id'}"
        into = "rowid, terms" if what == "in" else f"search_{name}, rowid, terms"
        delete = "" if what == "in" else "'delete', "
        op.execute(
            f"CREATE TRIGGER search_{name}_{what} AFTER {on} WHEN {when} BEGIN"
            f" INSERT INTO search_{name}({into}) SELECT {delete}case_id, terms FROM comments"
            f" WHERE case_id = {then}; END"
        )
    op.execute(
        "INSERT INTO search_decided(rowid, terms) SELECT comments.case_id, terms FROM comments"
        f" JOIN cases ON cases.id = comments.case_id WHERE {IN.format('cases')}"
    )
    op.execute(
        "INSERT INTO search_waiting(rowid, terms) SELECT comments.case_id, terms FROM comments"
        " JOIN places ON places.case_id = comments.case_id"
    )


def _on_postgres() -> None:
    # Words come ready to compare: its own parser would take them apart in ways of its own.
    op.execute(
        "CREATE FUNCTION search_terms(terms text) RETURNS tsvector LANGUAGE sql IMMUTABLE AS $$"
        " SELECT coalesce(string_agg(term || ':' || least(place, 16383), ' '), '')::tsvector"
        " FROM unnest(string_to_array(nullif(terms, ''), ' ')) WITH ORDINALITY AS t(term, place) $$"
    )
    for name in TABLES:
        op.execute(
            f"CREATE TABLE search_{name} (case_id bigint NOT NULL CONSTRAINT pk_search_{name}"
            " PRIMARY KEY, terms tsvector NOT NULL)"
        )
    op.execute(
        "INSERT INTO search_decided SELECT comments.case_id, search_terms(terms) FROM comments"
        f" JOIN cases ON cases.id = comments.case_id WHERE {IN.format('cases')}"
    )
    op.execute(
        "INSERT INTO search_waiting SELECT comments.case_id, search_terms(terms) FROM comments"
        " JOIN places ON places.case_id = comments.case_id"
    )
    for name in TABLES:
        op.execute(f"CREATE INDEX ix_search_{name}_terms ON search_{name} USING gin (terms)")
        op.execute(
            f"CREATE FUNCTION search_{name}_said() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            f" IF TG_OP <> 'INSERT' THEN DELETE FROM search_{name} WHERE case_id = old.case_id;"
            f" END IF; IF TG_OP <> 'DELETE' AND EXISTS ({STANDS[name].format('new')}) THEN"
            f" INSERT INTO search_{name} VALUES (new.case_id, search_terms(new.terms));"
            f" END IF; RETURN NULL; END $$"
        )
        op.execute(
            f"CREATE TRIGGER search_{name}_said AFTER INSERT OR DELETE OR UPDATE OF terms"
            f" ON comments FOR EACH ROW EXECUTE FUNCTION search_{name}_said()"
        )
        case = "id" if name == "decided" else "case_id"
        op.execute(
            f"CREATE FUNCTION search_{name}_moved() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            f" IF TG_ARGV[0] = 'in' THEN INSERT INTO search_{name} SELECT case_id,"
            f" search_terms(terms) FROM comments WHERE case_id = new.{case}; ELSE"
            f" DELETE FROM search_{name} WHERE case_id = old.{case}; END IF;"
            " RETURN NULL; END $$"
        )
    for name, what, on, when in MOVES:
        op.execute(
            f"CREATE TRIGGER search_{name}_{what} AFTER {on} FOR EACH ROW WHEN ({when})"
            f" EXECUTE FUNCTION search_{name}_moved('{what}')"
        )


def downgrade() -> None:
    postgres = op.get_bind().dialect.name != "sqlite"
    for name in TABLES:
        if postgres:
            for function in ("said", "moved"):
                op.execute(f"DROP FUNCTION search_{name}_{function} CASCADE")
        else:
            for what in ("posted", "edited", "deleted", "in", "out"):
                op.execute(f"DROP TRIGGER search_{name}_{what}")
        op.drop_table(f"search_{name}")
    if postgres:
        op.execute("DROP FUNCTION search_terms")
    op.drop_column("comments", "terms")
