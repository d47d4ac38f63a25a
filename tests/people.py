"""The people in our tests: each has a browser of their own and speaks to the site by HTTP."""

import html
import re
from typing import Any

from httpx2 import Response
from jinja2.bccache import Bucket, BytecodeCache
from starlette.testclient import TestClient

from forum import accounts, articles
from forum.accounts import Role
from forum.app import create_app
from forum.articles import ArticleText
from forum.database import Database
from forum.settings import Settings
from forum.web.state import State
from moderation import lineup, policies
from moderation.classifier import Classifier

PASSWORD = "correct horse battery"
# Hashed once: a quarter of a second each would be most of the suite's time.
_HASH = accounts.hash_password(PASSWORD)

TEA = ArticleText(
    identity="food/tea.txt",
    title="The town that argues about tea",
    section="Life / Food",
    body="Milk goes in first, says half of the town.\n\nThe other half writes letters.",
    disclaimer=None,
)


class _Compiled(BytecodeCache):
    """Templates as they were compiled for the first site of a process."""

    def __init__(self) -> None:
        self._code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._code:
            bucket.bytecode_from_string(self._code[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._code[bucket.key] = bucket.bytecode_to_string()


_COMPILED = _Compiled()


class Site:
    """The application with an article about tea; people are made as they are named."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self.settings = settings
        self.database = database
        self.app = create_app(settings, database=database)
        self.state: State = self.app.state.forum
        self.state.templates.bytecode_cache = _COMPILED
        self._client = TestClient(self.app, base_url=settings.address)
        self.load(TEA)

    def __enter__(self) -> "Site":
        self._client.__enter__()
        return self

    def __exit__(self, *problem: Any) -> None:
        self._client.__exit__(*problem)

    def load(self, article: ArticleText) -> None:
        """Load an article, as `forum ingest` does."""
        with self.database.writing() as session:
            articles.store(session, article)

    def person(self, name: str = "", role: Role | None = Role.READER) -> "Person":
        """Let somebody come: with an account and signed in, or a stranger (no role)."""
        person = Person(self)
        if role is not None:
            with self.database.writing() as session:
                account = accounts.sign_up(session, name, password_hash=_HASH)
                account.role = role.value
                session.flush()
                person.token = accounts.sign_in(session, account.id)
            person.name = name
            person.account_id = account.id
            person.client.cookies.set("forum", person.token)
        return person

    def browser(self) -> TestClient:
        """Return a browser without cookies, on the same running application."""
        client = TestClient(
            self.app,
            base_url=self.settings.address,
            follow_redirects=True,
            raise_server_exceptions=True,
        )
        # One event loop for everybody, as on a real server.
        client.portal = self._client.portal
        return client


class Person:
    """Somebody with a browser. Every form is sent as the page's own form would send it."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.client = site.browser()
        self.name = ""
        self.token = ""
        self.account_id = 0

    def opens(self, path: str, **query: Any) -> Response:
        """Open a page, following where it leads."""
        return self.client.get(path, params=query or None)

    def sends(self, path: str, **fields: Any) -> Response:
        """Send a form as a browser does, with the origin of our own page."""
        return self.client.post(path, data=fields, headers={"origin": self.site.settings.address})

    def reads(self, path: str = "/threads/the-town-that-argues-about-tea", **query: Any) -> str:
        """Return the words on a page."""
        return words(self.opens(path, **query).text)

    def sees(self, text: str) -> bool:
        """Whether these words stand in the thread about tea."""
        return text in self.reads()

    def cannot_see(self, text: str) -> bool:
        return not self.sees(text)

    def comments(self, text: str, **fields: Any) -> Response:
        """Comment on the article about tea."""
        return self.sends("/threads/the-town-that-argues-about-tea/comments", text=text, **fields)

    def replies(self, text: str, to: str) -> Response:
        """Answer the comment with these words."""
        return self.comments(text, parent=self.id_of(to))

    def id_of(self, text: str) -> int:
        """Return the number of the comment with these words, as the thread shows it."""
        page = self.opens("/threads/the-town-that-argues-about-tea").text
        for found in re.finditer(r'<article[^>]*id="comment-(\d+)".*?</article>', page, re.S):
            if text in words(found[0]):
                return int(found[1])
        raise AssertionError(f"{self.name or 'A stranger'} sees no comment with {text!r}.")

    def case_of(self, text: str, show: str = "held") -> "SeenCase":
        """Find a case in the review queue by its words, as this moderator sees it now."""
        page = self.opens("/review", show=show).text
        for found in re.finditer(
            r'<article[^>]*class="case".*?id="case-(\d+)".*?</article>', page, re.S
        ):
            if text in words(found[0]):
                version = re.search(r'name="version" value="(\d+)"', found[0])
                assert version, "a case without its version cannot be decided"
                return SeenCase(int(found[1]), int(version[1]), words(found[0]))
        raise AssertionError(f"No case with {text!r} among the {show} ones.")

    def approves(self, text: str, show: str = "held") -> Response:
        """Find a case in the queue and approve it."""
        return self.decides(self.case_of(text, show), "approve", show=show)

    def rejects(
        self, text: str, reason: str = "harassment", show: str = "held", **fields: Any
    ) -> Response:
        """Find a case in the queue and reject it."""
        return self.decides(self.case_of(text, show), "reject", show=show, reason=reason, **fields)

    def decides(self, case: "SeenCase", to: str, **fields: Any) -> Response:
        """Send the form of a case that was seen, perhaps a while ago."""
        return self.sends(f"/review/cases/{case.id}", to=to, version=case.version, **fields)


class SeenCase:
    """A case as a moderator saw it in the queue."""

    def __init__(self, case_id: int, version: int, text: str) -> None:
        self.id = case_id
        self.version = version
        self.text = text


def ships(database: Database, classifier: Classifier) -> None:
    """Let the thresholds in force be for this classifier, as if it were the one that ships."""
    with database.writing() as session:
        row = lineup.row_of(session, classifier.name, classifier.version)
        policies.in_force(session).classifier_id = row


def words(page: str) -> str:
    """Return what a page says, without its markup."""
    bare = re.sub(r"<(script|style)\b.*?</\1>", " ", page, flags=re.S)
    # A mark begins and ends within a sentence.
    unmarked = re.sub(r"</?(?:mark|u|b)>", "", bare)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", unmarked)).split())
