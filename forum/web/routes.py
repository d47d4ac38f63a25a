"""Every address of the site: path, handler, name, and who may."""

from dataclasses import dataclass

from starlette.routing import Route

from forum.accounts import Role
from forum.web import (
    account,
    admin,
    alarms,
    api,
    authors,
    bulk,
    calibration,
    changes,
    goals,
    habits,
    held,
    moderator,
    notices,
    openness,
    operations,
    opinions,
    ordering,
    overrides,
    perspective,
    policy,
    quality,
    reader,
    rehearsal,
    rulebook,
    sweeps,
    versions,
    workload,
)
from forum.web.access import ANYONE, Handler, guarded
from forum.web.google import PATHS


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    method: str
    path: str
    handler: Handler
    name: str
    who: Role | None

    def route(self) -> Route:
        return Route(
            self.path,
            guarded(self.handler, self.who, self.name),
            methods=[self.method],
            name=self.name,
        )


GUEST, READER, MODERATOR, ADMIN = Role.GUEST, Role.READER, Role.MODERATOR, Role.ADMIN

# fmt: off
TABLE = [
    Row("GET",  "/",                           reader.front_page,       "front",           ANYONE),
    Row("GET",  "/sections/{section:path}",    reader.front_page,       "section",         ANYONE),
    Row("GET",  "/threads/{slug}",             reader.thread,           "thread",          ANYONE),
    # Who may post depends on the setting `guests`; the handler asks it.
    Row("POST", "/threads/{slug}/comments",    reader.post_comment,     "post_comment",    ANYONE),
    Row("GET",  "/threads/{slug}/events",      reader.events,           "events",          ANYONE),
    Row("GET",  "/comments/{id}",              reader.permalink,        "comment",         ANYONE),
    Row("GET",  "/comments/{id}/part",         reader.comment_part,     "comment_part",    ANYONE),
    Row("GET",  "/comments/{id}/reply",        reader.reply,            "reply",           ANYONE),
    Row("GET",  "/comments/{id}/edit",         reader.edit,             "edit",            GUEST),
    Row("POST", "/comments/{id}/edit",         reader.save_edit,        "save_edit",       GUEST),
    Row("GET",  "/comments/{id}/delete",       reader.confirm_delete,   "confirm_delete",  GUEST),
    Row("POST", "/comments/{id}/delete",       reader.delete,           "delete",          GUEST),
    Row("GET",  "/comments/{id}/report",       reader.report,           "report",          GUEST),
    Row("POST", "/comments/{id}/report",       reader.send_report,      "send_report",     GUEST),
    Row("GET",  "/rules",                      reader.rules,            "rules",           ANYONE),
    # Each only while its switch is on; admins always.
    Row("GET",  "/moderation",                 openness.public_log,     "public_log",      ANYONE),
    Row("GET",  "/moderation.json",            openness.public_log_json, "public_log_json", ANYONE),
    Row("GET",  "/moderation/report",          openness.report,         "transparency",    ANYONE),
    Row("GET",  "/moderation/report.csv",      openness.report_csv,     "transparency_csv", ANYONE),

    Row("GET",  "/sign-up",                    account.sign_up_form,    "sign_up_form",    ANYONE),
    Row("POST", "/sign-up",                    account.sign_up,         "sign_up",         ANYONE),
    Row("GET",  "/sign-in",                    account.sign_in_form,    "sign_in_form",    ANYONE),
    Row("POST", "/sign-in",                    account.sign_in,         "sign_in",         ANYONE),
    Row("POST", "/sign-out",                   account.sign_out,        "sign_out",        GUEST),
    Row("GET",  "/account",                    account.own_page,        "account",         GUEST),
    # Also for one who is banned.
    Row("GET",  "/account/standing",           account.standing,        "standing",        ANYONE),
    Row("POST", "/account/standing/{id}",      account.read_warning,    "read_warning",    GUEST),
    Row("GET",  "/account/password",           account.password_form,   "password_form",   READER),
    Row("POST", "/account/password",           account.change_password, "change_password", READER),

    Row("POST", "/account/address",            notices.save_address,    "save_address",    READER),
    Row("GET",  "/addresses/{token}",          notices.address,         "address",         ANYONE),
    Row("POST", "/addresses/{token}",          notices.confirm_address, "confirm_address", ANYONE),
    Row("GET",  "/notices",                    notices.listed,          "notices",         GUEST),
    Row("GET",  "/notices/{id}",               notices.one,             "notice",          GUEST),
    Row("POST", "/notices/{id}/appeal",        notices.appeal,          "appeal",          GUEST),
    Row("POST", "/notices/{id}/resubmit",      notices.resubmit,        "resubmit",        GUEST),
    Row("GET",  "/decisions/{id}/statement",   notices.statement,       "statement",       GUEST),

    Row("GET",  "/review",                     moderator.queue,         "queue",           MODERATOR),
    Row("GET",  "/review/events",              moderator.queue_events,  "queue_events",    MODERATOR),
    Row("GET",  "/review/next",                moderator.next_case,     "next_case",       MODERATOR),
    Row("GET",  "/review/cases/{id}",          moderator.case,          "case",            MODERATOR),
    Row("POST", "/review/cases/{id}",          moderator.decide,        "decide",          MODERATOR),
    Row("POST", "/review/cases/{id}/claim",    moderator.claim,         "claim",           MODERATOR),
    Row("POST", "/review/cases/{id}/leave",    moderator.leave,         "leave",           MODERATOR),
    Row("POST", "/review/decisions/{id}/undo", moderator.undo,          "undo",            MODERATOR),
    Row("POST", "/review/views",               moderator.keep_view,     "keep_view",       MODERATOR),
    Row("POST", "/review/views/{id}",          moderator.change_view,   "change_view",     MODERATOR),
    Row("GET",  "/review/log",                 moderator.log,           "log",             MODERATOR),
    Row("GET",  "/review/workload",            workload.workload,       "workload",        MODERATOR),
    Row("GET",  "/review/habits",              habits.form,             "habits",          MODERATOR),
    Row("POST", "/review/habits",              habits.save,             "save_habits",     MODERATOR),
    Row("POST", "/review/habits/rest",         habits.rest,             "rest",            MODERATOR),

    Row("POST", "/review/batches",             bulk.draft_batch,        "draft_batch",     MODERATOR),
    Row("GET",  "/review/batches",             bulk.batches,            "batches",         MODERATOR),
    Row("GET",  "/review/batches/{id}",        bulk.batch,              "batch",           MODERATOR),
    Row("POST", "/review/batches/{id}",        bulk.run_batch,          "run_batch",       MODERATOR),
    Row("POST", "/review/batches/{id}/undo",   bulk.undo_batch,         "undo_batch",      MODERATOR),

    Row("GET",  "/review/sweeps",              sweeps.sweep_list,       "sweeps",          MODERATOR),
    Row("POST", "/review/sweeps",              sweeps.begin_sweep,      "begin_sweep",     MODERATOR),
    Row("GET",  "/review/sweeps/{id}",         sweeps.sweep,            "sweep",           MODERATOR),
    Row("POST", "/review/sweeps/{id}",         sweeps.go_on_sweep,      "go_on_sweep",     MODERATOR),

    Row("POST", "/review/cases/{id}/notes",    moderator.add_note,      "add_note",        MODERATOR),
    Row("GET",  "/review/authors/{id}",        authors.author,          "author",          MODERATOR),
    Row("POST", "/review/authors/{id}",        authors.sanction,        "sanction",        MODERATOR),
    Row("POST", "/review/sanctions/{id}/lift", authors.lift,            "lift",            MODERATOR),
    Row("GET",  "/review/practice",            quality.practice,        "practice",        MODERATOR),
    Row("GET",  "/review/acts",                authors.acts_log,        "acts",            MODERATOR),

    Row("GET",  "/admin/policy",               policy.policy_form,       "policy",          ADMIN),
    Row("POST", "/admin/policy",               policy.save_policy,       "save_policy",     ADMIN),
    Row("POST", "/admin/policy/counts",        policy.policy_counts,     "policy_counts",   ADMIN),
    Row("GET",  "/admin/policy/changes",       changes.policy_changes,   "policy_changes",  ADMIN),
    Row("GET",  "/admin/policy/goal",          goals.policy_goal,        "policy_goal",     ADMIN),
    Row("GET",  "/admin/policy/curves",        goals.policy_curves,      "policy_curves",   ADMIN),
    Row("GET",  "/admin/policy/versions",      versions.version_list,   "policy_versions", ADMIN),
    Row("GET",  "/admin/policy/compare",       versions.compare,        "compare_policies", ADMIN),
    Row("GET",  "/admin/policy/overrides",     overrides.override_list, "overrides",       ADMIN),
    Row("POST", "/admin/policy/overrides",     overrides.save_override, "save_override",   ADMIN),
    Row("GET",  "/admin/policy/held",          held.held_page,          "held",            ADMIN),
    Row("POST", "/admin/policy/held",          held.draft_held,         "draft_held",      ADMIN),
    Row("GET",  "/admin/policy/{id}",          versions.policy_version, "policy_version",  ADMIN),
    Row("POST", "/admin/policy/{id}",          versions.restore_policy, "restore_policy",  ADMIN),
    Row("GET",  "/admin/alarms",               alarms.alarm_list,        "alarms",          ADMIN),
    Row("POST", "/admin/alarms",               alarms.save_limits,       "save_alarm_limits", ADMIN),
    Row("POST", "/admin/alarms/{id}",          alarms.acknowledge,       "acknowledge",     ADMIN),
    Row("GET",  "/admin/drift",                alarms.drift_page,        "drift",           ADMIN),
    Row("GET",  "/admin/calibration",          calibration.proposal,     "calibration",     ADMIN),
    Row("POST", "/admin/calibration",          calibration.change,       "change_calibration", ADMIN),
    Row("GET",  "/admin/rehearsal",            rehearsal.rehearsal,     "rehearsal",       ADMIN),
    Row("POST", "/admin/rehearsal",            rehearsal.change_rehearsal, "change_rehearsal", ADMIN),
    Row("GET",  "/admin/shadow",               opinions.shadow,         "shadow",          ADMIN),
    Row("GET",  "/admin/suggestions",          opinions.suggested,      "suggestions",     ADMIN),
    Row("POST", "/admin/suggestions",          opinions.remove_suggestion, "remove_suggestion", ADMIN),
    Row("GET",  "/admin/rules",                rulebook.form,           "edit_rules",      ADMIN),
    Row("POST", "/admin/rules",                rulebook.save,           "save_rules",      ADMIN),
    Row("GET",  "/admin/order",                ordering.order_form,     "order",           ADMIN),
    Row("POST", "/admin/order",                ordering.save_order,     "save_order",      ADMIN),
    Row("GET",  "/admin/sweeps",               sweeps.sweep_terms,      "sweep_terms",     ADMIN),
    Row("POST", "/admin/sweeps",               sweeps.save_sweep_terms, "save_sweep_terms", ADMIN),
    Row("GET",  "/admin/quality",              quality.quality_page,    "quality",         ADMIN),
    Row("POST", "/admin/quality",              quality.save_shares,     "save_shares",     ADMIN),
    Row("POST", "/admin/golden/{id}",          quality.mark_golden,     "mark_golden",     ADMIN),
    Row("GET",  "/admin/words",                admin.word_list,         "words",           ADMIN),
    Row("POST", "/admin/words",                admin.change_words,      "change_words",    ADMIN),
    Row("GET",  "/admin/words/try",            admin.try_words,         "try_words",       ADMIN),
    Row("GET",  "/admin/disclaimer",           admin.disclaimer_form,   "disclaimer",      ADMIN),
    Row("POST", "/admin/disclaimer",           admin.save_disclaimer,   "save_disclaimer", ADMIN),
    Row("GET",  "/admin/switches",             openness.switch_list,    "switches",        ADMIN),
    Row("POST", "/admin/switches",             openness.turn_switch,    "turn_switch",     ADMIN),
    Row("GET",  "/admin/accounts",             admin.account_list,      "accounts",        ADMIN),
    Row("POST", "/admin/accounts/{id}",        admin.change_account,    "change_account",  ADMIN),
    Row("GET",  "/admin/articles",             admin.article_list,      "articles",        ADMIN),
    Row("POST", "/admin/articles/{id}",        admin.change_article,    "change_article",  ADMIN),

    Row("GET",  "/api/threads",                api.list_threads,        "api_threads",     ANYONE),
    Row("GET",  "/api/threads/{slug}",         api.read_thread,         "api_thread",      ANYONE),
    Row("GET",  "/api/threads/{slug}/comments", api.list_comments,       "api_comments",    ANYONE),
    Row("POST", "/api/threads/{slug}/comments", api.post_comment,        "api_post",        ANYONE),
    Row("POST", "/api/sessions",               api.sign_in,             "api_sign_in",     ANYONE),
    Row("DELETE", "/api/sessions",               api.sign_out,            "api_sign_out",    GUEST),
    Row("GET",  "/api/openapi.json",           api.openapi,             "api_openapi",     ANYONE),

    # The score API asks for one of its keys.
    Row("POST", "/v1alpha1/comments:analyze",  perspective.analyze,     "analyze",         ANYONE),
    Row("POST", "/v1alpha1/comments:suggestscore", perspective.suggest, "suggestscore",    ANYONE),
    Row("GET",  "/$discovery/rest",            perspective.describe,    "discovery",       ANYONE),
    Row("GET",  "/discovery/v1/apis/{api}/{version}/rest", perspective.describe, "discovery_v1", ANYONE),

    Row("GET",  "/healthz",                    operations.alive,        "healthz",         ANYONE),
    Row("GET",  "/readyz",                     operations.ready,        "readyz",          ANYONE),
    # Asks for its token, or for a connection from this machine.
    Row("GET",  "/metrics",                    operations.metrics,      "metrics",         ANYONE),
    Row("GET",  "/static/{file:path}",         operations.static,       "static",          ANYONE),
]
# What `forum score-api` answers. Its /readyz asks for nothing that only a site has.
SCORE_API = [
    *(row for row in TABLE if row.path.startswith(PATHS)),
    *(row for row in TABLE if row.name in ("healthz", "metrics")),
    Row("GET",  "/readyz",                     perspective.ready,       "readyz",          ANYONE),
]
# fmt: on
