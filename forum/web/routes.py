"""Every address of the site: path, handler, name, and who may."""

from dataclasses import dataclass

from starlette.routing import Route

from forum.accounts import Role
from forum.web import account, admin, api, moderator, operations, reader
from forum.web.access import ANYONE, Handler, guarded


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

    Row("GET",  "/sign-up",                    account.sign_up_form,    "sign_up_form",    ANYONE),
    Row("POST", "/sign-up",                    account.sign_up,         "sign_up",         ANYONE),
    Row("GET",  "/sign-in",                    account.sign_in_form,    "sign_in_form",    ANYONE),
    Row("POST", "/sign-in",                    account.sign_in,         "sign_in",         ANYONE),
    Row("POST", "/sign-out",                   account.sign_out,        "sign_out",        GUEST),
    Row("GET",  "/account",                    account.own_page,        "account",         GUEST),
    Row("GET",  "/account/password",           account.password_form,   "password_form",   READER),
    Row("POST", "/account/password",           account.change_password, "change_password", READER),

    Row("GET",  "/review",                     moderator.queue,         "queue",           MODERATOR),
    Row("GET",  "/review/cases/{id}",          moderator.case,          "case",            MODERATOR),
    Row("POST", "/review/cases/{id}",          moderator.decide,        "decide",          MODERATOR),
    Row("POST", "/review/decisions/{id}/undo", moderator.undo,          "undo",            MODERATOR),
    Row("GET",  "/review/log",                 moderator.log,           "log",             MODERATOR),

    Row("GET",  "/admin/policy",               admin.policy_form,       "policy",          ADMIN),
    Row("POST", "/admin/policy",               admin.save_policy,       "save_policy",     ADMIN),
    Row("GET",  "/admin/policy/{id}",          admin.policy_version,    "policy_version",  ADMIN),
    Row("POST", "/admin/policy/{id}",          admin.restore_policy,    "restore_policy",  ADMIN),
    Row("GET",  "/admin/disclaimer",           admin.disclaimer_form,   "disclaimer",      ADMIN),
    Row("POST", "/admin/disclaimer",           admin.save_disclaimer,   "save_disclaimer", ADMIN),
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

    Row("GET",  "/healthz",                    operations.alive,        "healthz",         ANYONE),
    Row("GET",  "/readyz",                     operations.ready,        "readyz",          ANYONE),
    # Asks for its token, or for a connection from this machine.
    Row("GET",  "/metrics",                    operations.metrics,      "metrics",         ANYONE),
    Row("GET",  "/static/{file:path}",         operations.static,       "static",          ANYONE),
]
# fmt: on
