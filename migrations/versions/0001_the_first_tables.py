"""The first tables

A migration is one sentence. It is tried with rows in it, on SQLite and PostgreSQL, and afterwards
the database equals the models (tests/migrations).
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

# SQLite numbers rows by itself only for INTEGER.
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("must_change_password", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_accounts"),
    )
    op.create_index("ix_accounts_role_id", "accounts", ["role", "id"], unique=False)
    op.create_index(
        "uq_accounts_name_key",
        "accounts",
        ["name_key"],
        unique=True,
        sqlite_where=sa.text("role <> 'guest'"),
        postgresql_where=sa.text("role <> 'guest'"),
    )

    op.create_table(
        "cases",
        sa.Column("id", ID, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("revision", ID, nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("version", ID, nullable=False),
        sa.Column("author", ID, nullable=False),
        sa.Column("context", ID, nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("waiting_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_cases"),
    )
    op.create_index(
        "ix_cases_author_status_withdrawn_at",
        "cases",
        ["author", "status", "withdrawn_at"],
        unique=False,
    )
    op.create_index(
        "ix_cases_context_status_withdrawn_at",
        "cases",
        ["context", "status", "withdrawn_at"],
        unique=False,
    )
    op.create_index("ix_cases_status_id", "cases", ["status", "id"], unique=False)
    op.create_index(
        "ix_cases_status_waiting_since_id", "cases", ["status", "waiting_since", "id"], unique=False
    )

    op.create_table(
        "classifiers",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_classifiers"),
        sa.UniqueConstraint("name", "version", name="uq_classifiers_name_version"),
    )
    op.create_table(
        "policy_versions",
        sa.Column("id", ID, nullable=False),
        sa.Column("based_on", ID, nullable=True),
        sa.Column("restores", ID, nullable=True),
        sa.Column("author", ID, nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("adopted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["based_on"], ["policy_versions.id"], name="fk_policy_versions_based_on"
        ),
        sa.ForeignKeyConstraint(
            ["restores"], ["policy_versions.id"], name="fk_policy_versions_restores"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_policy_versions"),
        sa.UniqueConstraint("based_on", name="uq_policy_versions_based_on"),
    )
    op.create_table(
        "decisions",
        sa.Column("id", ID, nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.Column("revision", ID, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("actor", ID, nullable=True),
        sa.Column("from_status", sa.String(length=16), nullable=False),
        sa.Column("to_status", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("findings", sa.JSON(), nullable=False),
        sa.Column("policy_version_id", ID, nullable=True),
        sa.Column("classifier_id", ID, nullable=True),
        sa.Column("waited_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undoes_id", ID, nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_decisions_case_id"),
        sa.ForeignKeyConstraint(
            ["classifier_id"], ["classifiers.id"], name="fk_decisions_classifier_id"
        ),
        sa.ForeignKeyConstraint(
            ["policy_version_id"], ["policy_versions.id"], name="fk_decisions_policy_version_id"
        ),
        sa.ForeignKeyConstraint(["undoes_id"], ["decisions.id"], name="fk_decisions_undoes_id"),
        sa.PrimaryKeyConstraint("id", name="pk_decisions"),
        sa.UniqueConstraint("undoes_id", name="uq_decisions_undoes_id"),
    )
    op.create_index("ix_decisions_actor_id", "decisions", ["actor", "id"], unique=False)
    op.create_index("ix_decisions_case_id_id", "decisions", ["case_id", "id"], unique=False)
    op.create_index(
        "ix_decisions_by_people",
        "decisions",
        ["id"],
        unique=False,
        sqlite_where=sa.text("kind IN ('approve', 'reject', 'undo')"),
        postgresql_where=sa.text("kind IN ('approve', 'reject', 'undo')"),
    )

    op.create_table(
        "disclaimers",
        sa.Column("id", ID, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("for_site", sa.Boolean(), nullable=False),
        sa.Column("author_id", ID, nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["author_id"], ["accounts.id"], name="fk_disclaimers_author_id"),
        sa.PrimaryKeyConstraint("id", name="pk_disclaimers"),
    )
    op.create_index("ix_disclaimers_for_site_id", "disclaimers", ["for_site", "id"], unique=False)

    op.create_table(
        "logins",
        sa.Column("id", ID, nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("account_id", ID, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_logins_account_id"),
        sa.PrimaryKeyConstraint("id", name="pk_logins"),
        sa.UniqueConstraint("token_hash", name="uq_logins_token_hash"),
    )
    op.create_index("ix_logins_account_id", "logins", ["account_id"], unique=False)
    op.create_index("ix_logins_expires_at", "logins", ["expires_at"], unique=False)

    op.create_table(
        "scores",
        sa.Column("case_id", ID, nullable=False),
        sa.Column("revision", ID, nullable=False),
        sa.Column("classifier_id", ID, nullable=False),
        sa.Column("scored_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("toxicity", sa.Float(), nullable=True),
        sa.Column("severe_toxicity", sa.Float(), nullable=True),
        sa.Column("obscene", sa.Float(), nullable=True),
        sa.Column("threat", sa.Float(), nullable=True),
        sa.Column("insult", sa.Float(), nullable=True),
        sa.Column("identity_attack", sa.Float(), nullable=True),
        sa.Column("sexual_explicit", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_scores_case_id"),
        sa.ForeignKeyConstraint(
            ["classifier_id"], ["classifiers.id"], name="fk_scores_classifier_id"
        ),
        sa.PrimaryKeyConstraint("case_id", "revision", "classifier_id", name="pk_scores"),
    )
    op.create_index("ix_scores_scored_at", "scores", ["scored_at"], unique=False)

    op.create_table(
        "scoring_jobs",
        sa.Column("id", ID, nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.Column("revision", ID, nullable=False),
        sa.Column("attempts", ID, nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ready_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease", sa.String(length=32), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_scoring_jobs_case_id"),
        sa.PrimaryKeyConstraint("id", name="pk_scoring_jobs"),
        sa.UniqueConstraint("case_id", name="uq_scoring_jobs_case_id"),
    )
    op.create_index("ix_scoring_jobs_ready_at_id", "scoring_jobs", ["ready_at", "id"], unique=False)

    op.create_table(
        "articles",
        sa.Column("id", ID, nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("section", sa.Text(), nullable=False),
        sa.Column("section_path", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("disclaimer_id", ID, nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["disclaimer_id"], ["disclaimers.id"], name="fk_articles_disclaimer_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_articles"),
        sa.UniqueConstraint("identity", name="uq_articles_identity"),
        sa.UniqueConstraint("slug", name="uq_articles_slug"),
    )
    op.create_index("ix_articles_changed_at", "articles", ["changed_at"], unique=False)
    op.create_index("ix_articles_section_path_id", "articles", ["section_path", "id"], unique=False)

    op.create_table(
        "comments",
        sa.Column("id", ID, nullable=False),
        sa.Column("article_id", ID, nullable=False),
        sa.Column("author_id", ID, nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.Column("parent_id", ID, nullable=True),
        sa.Column("root_id", ID, nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.String(length=32), nullable=False),
        sa.Column("disclaimer_id", ID, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("edited_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["article_id"], ["articles.id"], name="fk_comments_article_id"),
        sa.ForeignKeyConstraint(["author_id"], ["accounts.id"], name="fk_comments_author_id"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_comments_case_id"),
        sa.ForeignKeyConstraint(
            ["disclaimer_id"], ["disclaimers.id"], name="fk_comments_disclaimer_id"
        ),
        sa.ForeignKeyConstraint(["parent_id"], ["comments.id"], name="fk_comments_parent_id"),
        sa.ForeignKeyConstraint(["root_id"], ["comments.id"], name="fk_comments_root_id"),
        sa.PrimaryKeyConstraint("id", name="pk_comments"),
        sa.UniqueConstraint("case_id", name="uq_comments_case_id"),
    )
    op.create_index(
        "ix_comments_top_level",
        "comments",
        ["article_id", "id"],
        unique=False,
        sqlite_where=sa.text("root_id IS NULL"),
        postgresql_where=sa.text("root_id IS NULL"),
    )
    op.create_index(
        "ix_comments_author_id_article_id_id",
        "comments",
        ["author_id", "article_id", "id"],
        unique=False,
    )
    op.create_index("ix_comments_author_id_id", "comments", ["author_id", "id"], unique=False)
    op.create_index("ix_comments_parent_id", "comments", ["parent_id"], unique=False)
    op.create_index("ix_comments_root_id_id", "comments", ["root_id", "id"], unique=False)

    op.create_table(
        "reports",
        sa.Column("id", ID, nullable=False),
        sa.Column("comment_id", ID, nullable=False),
        sa.Column("reporter_id", ID, nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_by_id", ID, nullable=True),
        sa.ForeignKeyConstraint(
            ["answered_by_id"], ["decisions.id"], name="fk_reports_answered_by_id"
        ),
        sa.ForeignKeyConstraint(["comment_id"], ["comments.id"], name="fk_reports_comment_id"),
        sa.ForeignKeyConstraint(["reporter_id"], ["accounts.id"], name="fk_reports_reporter_id"),
        sa.PrimaryKeyConstraint("id", name="pk_reports"),
        sa.UniqueConstraint("comment_id", "reporter_id", name="uq_reports_comment_id_reporter_id"),
    )
    op.create_table(
        "revisions",
        sa.Column("comment_id", ID, nullable=False),
        sa.Column("number", ID, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("disclaimer_id", ID, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["comment_id"], ["comments.id"], name="fk_revisions_comment_id"),
        sa.ForeignKeyConstraint(
            ["disclaimer_id"], ["disclaimers.id"], name="fk_revisions_disclaimer_id"
        ),
        sa.PrimaryKeyConstraint("comment_id", "number", name="pk_revisions"),
    )
    _make_the_log_append_only()


def _make_the_log_append_only() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER decisions_no_{verb.lower()} BEFORE {verb} ON decisions BEGIN"
                " SELECT RAISE(ABORT, 'the decisions log is append-only'); END"
            )
    else:
        op.execute(
            "CREATE FUNCTION decisions_append_only() RETURNS trigger LANGUAGE plpgsql AS $$"
            " BEGIN RAISE EXCEPTION 'the decisions log is append-only'; END $$"
        )
        op.execute(
            "CREATE TRIGGER decisions_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON decisions"
            " FOR EACH STATEMENT EXECUTE FUNCTION decisions_append_only()"
        )


def downgrade() -> None:
    for table in (
        "revisions",
        "reports",
        "comments",
        "articles",
        "scoring_jobs",
        "scores",
        "logins",
        "disclaimers",
        "decisions",
        "policy_versions",
        "classifiers",
        "cases",
        "accounts",
    ):
        op.drop_table(table)
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DROP FUNCTION decisions_append_only()")
