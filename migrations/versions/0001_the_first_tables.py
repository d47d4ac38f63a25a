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

    _make_the_review_queue()
    op.create_table(
        "classifiers",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("decides_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("shadows_since", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_classifiers"),
        sa.UniqueConstraint("name", "version", name="uq_classifiers_name_version"),
    )
    op.create_table(
        "calibrations",
        sa.Column("id", ID, nullable=False),
        sa.Column("base_id", ID, nullable=False),
        sa.Column("classifier_id", ID, nullable=False),
        sa.Column("curves", sa.JSON(), nullable=False),
        sa.Column("reliability", sa.JSON(), nullable=False),
        sa.Column("adopted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["base_id"], ["classifiers.id"], name="fk_calibrations_base_id"),
        sa.ForeignKeyConstraint(
            ["classifier_id"], ["classifiers.id"], name="fk_calibrations_classifier_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_calibrations"),
    )
    op.create_index("ix_calibrations_base_id_id", "calibrations", ["base_id", "id"], unique=False)
    op.create_index(
        "ix_calibrations_classifier_id", "calibrations", ["classifier_id"], unique=False
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
        sa.Column("classifier_id", ID, nullable=False),
        sa.Column("shipped", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["based_on"], ["policy_versions.id"], name="fk_policy_versions_based_on"
        ),
        sa.ForeignKeyConstraint(
            ["classifier_id"], ["classifiers.id"], name="fk_policy_versions_classifier_id"
        ),
        sa.ForeignKeyConstraint(
            ["restores"], ["policy_versions.id"], name="fk_policy_versions_restores"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_policy_versions"),
        sa.UniqueConstraint("based_on", name="uq_policy_versions_based_on"),
    )
    op.create_table(
        "rules_versions",
        sa.Column("id", ID, nullable=False),
        sa.Column("based_on", ID, nullable=True),
        sa.Column("author", ID, nullable=True),
        sa.Column("change", sa.Text(), nullable=False),
        sa.Column("adopted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["based_on"], ["rules_versions.id"], name="fk_rules_versions_based_on"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_rules_versions"),
        sa.UniqueConstraint("based_on", name="uq_rules_versions_based_on"),
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
        sa.Column("rule", sa.JSON(), nullable=True),
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
        "acts",
        sa.Column("id", ID, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("did", sa.String(length=16), nullable=False),
        sa.Column("actor", ID, nullable=False),
        sa.Column("subject", ID, nullable=True),
        sa.Column("words", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_acts"),
    )
    op.create_index("ix_acts_did_id", "acts", ["did", "id"], unique=False)
    op.create_index("ix_acts_subject_id", "acts", ["subject", "id"], unique=False)
    op.create_table(
        "listed_words",
        sa.Column("id", ID, nullable=False),
        sa.Column("typed", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("means", sa.String(length=16), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("added_by", ID, nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed_by", ID, nullable=True),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_listed_words"),
    )
    op.create_index(
        "uq_listed_words_words",
        "listed_words",
        ["words"],
        unique=True,
        sqlite_where=sa.text("removed_at IS NULL"),
        postgresql_where=sa.text("removed_at IS NULL"),
    )
    op.create_table(
        "notices",
        sa.Column("id", ID, nullable=False),
        sa.Column("account", ID, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("decision_id", ID, nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ready_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", ID, nullable=False),
        sa.Column("lease", sa.String(length=32), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["decision_id"], ["decisions.id"], name="fk_notices_decision_id"),
        sa.PrimaryKeyConstraint("id", name="pk_notices"),
        sa.UniqueConstraint("decision_id", name="uq_notices_decision_id"),
    )
    op.create_index("ix_notices_account_id", "notices", ["account", "id"], unique=False)
    op.create_index(
        "ix_notices_unread",
        "notices",
        ["account"],
        unique=False,
        sqlite_where=sa.text("read_at IS NULL"),
        postgresql_where=sa.text("read_at IS NULL"),
    )
    op.create_index(
        "ix_notices_to_send",
        "notices",
        ["ready_at", "id"],
        unique=False,
        sqlite_where=sa.text("ready_at IS NOT NULL"),
        postgresql_where=sa.text("ready_at IS NOT NULL"),
    )
    op.create_table(
        "addresses",
        sa.Column("account_id", ID, autoincrement=False, nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_addresses_account_id"),
        sa.PrimaryKeyConstraint("account_id", name="pk_addresses"),
        sa.UniqueConstraint("token", name="uq_addresses_token"),
    )

    op.create_table(
        "api_keys",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("a_minute", ID, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.UniqueConstraint("key_hash", name="uq_api_keys_key_hash"),
    )
    op.create_index(
        "uq_api_keys_name",
        "api_keys",
        ["name"],
        unique=True,
        sqlite_where=sa.text("revoked_at IS NULL"),
        postgresql_where=sa.text("revoked_at IS NULL"),
    )
    op.create_table(
        "suggestions",
        sa.Column("id", ID, nullable=False),
        sa.Column("key_id", ID, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("scores", sa.JSON(), nullable=False),
        sa.Column("community", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["key_id"], ["api_keys.id"], name="fk_suggestions_key_id"),
        sa.PrimaryKeyConstraint("id", name="pk_suggestions"),
    )
    op.create_index("ix_suggestions_key_id_token", "suggestions", ["key_id", "token"], unique=False)

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
        "notes",
        sa.Column("id", ID, nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.Column("author_id", ID, nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["author_id"], ["accounts.id"], name="fk_notes_author_id"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_notes_case_id"),
        sa.PrimaryKeyConstraint("id", name="pk_notes"),
    )
    op.create_index("ix_notes_case_id_id", "notes", ["case_id", "id"], unique=False)
    op.create_table(
        "sanctions",
        sa.Column("id", ID, nullable=False),
        sa.Column("account_id", ID, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("gravity", ID, nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("case_id", ID, nullable=True),
        sa.Column("given_by", ID, nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifted_by", ID, nullable=True),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifted_words", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_sanctions_account_id"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_sanctions_case_id"),
        sa.ForeignKeyConstraint(["given_by"], ["accounts.id"], name="fk_sanctions_given_by"),
        sa.ForeignKeyConstraint(["lifted_by"], ["accounts.id"], name="fk_sanctions_lifted_by"),
        sa.PrimaryKeyConstraint("id", name="pk_sanctions"),
    )
    op.create_index("ix_sanctions_account_id_id", "sanctions", ["account_id", "id"], unique=False)

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
        sa.Column("signals", sa.Text(), nullable=False),
        sa.Column("good", ID, nullable=False),
        sa.Column("quoted", sa.JSON(), nullable=True),
        sa.Column("why", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_scores_case_id"),
        sa.ForeignKeyConstraint(
            ["classifier_id"], ["classifiers.id"], name="fk_scores_classifier_id"
        ),
        sa.PrimaryKeyConstraint("case_id", "revision", "classifier_id", name="pk_scores"),
    )
    op.create_index(
        "ix_scores_classifier_id_case_id_revision",
        "scores",
        ["classifier_id", "case_id", "revision"],
        unique=False,
    )
    op.create_index("ix_scores_scored_at", "scores", ["scored_at"], unique=False)
    op.create_index(
        "ix_scores_to_explain",
        "scores",
        ["classifier_id", "case_id"],
        unique=False,
        sqlite_where=sa.text("why IS NULL"),
        postgresql_where=sa.text("why IS NULL"),
    )

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
        "ix_comments_fingerprint_created_at",
        "comments",
        ["fingerprint", "created_at"],
        unique=False,
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
        sa.Column("revision", ID, nullable=False),
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
        sa.UniqueConstraint(
            "comment_id",
            "revision",
            "reporter_id",
            name="uq_reports_comment_id_revision_reporter_id",
        ),
    )
    op.create_table(
        "appeals",
        sa.Column("id", ID, nullable=False),
        sa.Column("decision_id", ID, nullable=False),
        sa.Column("comment_id", ID, nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_by_id", ID, nullable=True),
        sa.ForeignKeyConstraint(
            ["answered_by_id"], ["decisions.id"], name="fk_appeals_answered_by_id"
        ),
        sa.ForeignKeyConstraint(["comment_id"], ["comments.id"], name="fk_appeals_comment_id"),
        sa.ForeignKeyConstraint(["decision_id"], ["decisions.id"], name="fk_appeals_decision_id"),
        sa.PrimaryKeyConstraint("id", name="pk_appeals"),
        sa.UniqueConstraint("decision_id", name="uq_appeals_decision_id"),
    )
    op.create_index("ix_appeals_answered_by_id", "appeals", ["answered_by_id"], unique=False)
    op.create_index("ix_appeals_comment_id", "appeals", ["comment_id"], unique=False)
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


def _make_the_review_queue() -> None:
    op.create_table(
        "claims",
        sa.Column("holder", ID, autoincrement=False, nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_claims_case_id"),
        sa.PrimaryKeyConstraint("holder", name="pk_claims"),
    )
    op.create_index("ix_claims_case_id", "claims", ["case_id"], unique=False)

    op.create_table(
        "places",
        sa.Column("case_id", ID, autoincrement=False, nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("author", ID, nullable=False),
        sa.Column("context", ID, nullable=False),
        sa.Column("held_for", sa.Text(), nullable=False),
        sa.Column("toxicity", sa.Float(), nullable=True),
        sa.Column("severe_toxicity", sa.Float(), nullable=True),
        sa.Column("obscene", sa.Float(), nullable=True),
        sa.Column("threat", sa.Float(), nullable=True),
        sa.Column("insult", sa.Float(), nullable=True),
        sa.Column("identity_attack", sa.Float(), nullable=True),
        sa.Column("sexual_explicit", sa.Float(), nullable=True),
        sa.Column("reports", ID, nullable=False),
        sa.Column("doublings", ID, nullable=False),
        sa.Column("urgency", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_places_case_id"),
        sa.PrimaryKeyConstraint("case_id", name="pk_places"),
    )
    for columns in (
        ["status", "urgency", "case_id"],
        ["status", "since", "case_id"],
        ["context", "status"],
        ["author", "status"],
    ):
        op.create_index(f"ix_places_{'_'.join(columns)}", "places", columns, unique=False)
    op.create_table(
        "audiences",
        sa.Column("server", sa.String(length=32), nullable=False),
        sa.Column("context", ID, nullable=False),
        sa.Column("readers", ID, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("server", "context", name="pk_audiences"),
    )
    op.create_table(
        "urgency_versions",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("author", ID, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("adopted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_urgency_versions"),
    )


def _make_the_log_append_only() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for table in ("decisions", "acts"):
            for verb in ("UPDATE", "DELETE"):
                op.execute(
                    f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} BEGIN"
                    f" SELECT RAISE(ABORT, 'the {table} log is append-only'); END"
                )
    else:
        for table in ("decisions", "acts"):
            op.execute(
                f"CREATE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS $$"
                f" BEGIN RAISE EXCEPTION 'the {table} log is append-only'; END $$"
            )
            op.execute(
                f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
                f" FOR EACH STATEMENT EXECUTE FUNCTION {table}_append_only()"
            )


def downgrade() -> None:
    for table in (
        "appeals",
        "addresses",
        "notices",
        "notes",
        "sanctions",
        "listed_words",
        "acts",
        "suggestions",
        "api_keys",
        "revisions",
        "reports",
        "comments",
        "articles",
        "scoring_jobs",
        "scores",
        "logins",
        "disclaimers",
        "decisions",
        "rules_versions",
        "policy_versions",
        "calibrations",
        "classifiers",
        "urgency_versions",
        "audiences",
        "places",
        "claims",
        "cases",
        "accounts",
    ):
        op.drop_table(table)
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DROP FUNCTION decisions_append_only()")
        op.execute("DROP FUNCTION acts_append_only()")
