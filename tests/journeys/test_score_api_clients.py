"""Clients of the Perspective API that nobody here wrote, unchanged but for the address."""

import json
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest
from googleapiclient import discovery
from googleapiclient.errors import HttpError

from forum import keys, suggestions
from forum.database import Database
from tests.journeys.conftest import PATIENCE, Running, free_port, until

CLIENTS = Path(__file__).parent.parent / "clients"
INSULT = "You are a pathetic idiot. Thank you for the article, though."


@dataclass(frozen=True)
class Served:
    """The score API at two addresses: on a site, and by `forum score-api`. One database."""

    database: Database
    addresses: list[str]

    def key(self, name: str, a_minute: int = 600) -> str:
        with self.database.writing() as session:
            return keys.create(session, name, a_minute=a_minute)


@pytest.fixture
def served(run: Callable[..., Running]) -> Served:
    running, port = run(), free_port()
    # Nobody told the servers their address: clients learn it from where they ask.
    del running.environment["FORUM_ADDRESS"]
    running.start("serve")
    running.start("score-api", "--port", str(port))
    addresses = [running.address, f"http://127.0.0.1:{port}"]
    for address in addresses:
        until(partial(_ready, address), f"{address} is ready")
    return Served(running.database, addresses)


def _ready(address: str) -> bool:
    return httpx2.get(address + "/readyz").status_code == 200


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server is on this machine."""
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


# google-api-python-client


HELLO = {"comment": {"text": "Hello."}, "requestedAttributes": {"TOXICITY": {}}}
ADDRESSES_OF_THE_DOCUMENT = [
    "/$discovery/rest?version=v1alpha1",
    "/discovery/v1/apis/{api}/{apiVersion}/rest",
]


@contextmanager
def google_client(document: str, key: str) -> Iterator[Any]:
    with discovery.build(
        "commentanalyzer",
        "v1alpha1",
        developerKey=key,
        discoveryServiceUrl=document,
        static_discovery=False,
    ) as service:
        yield service.comments()


def test_googles_client_asks_for_scores_and_suggests_some(served: Served) -> None:
    key = served.key("newsroom")
    documents = [
        address + path for address in served.addresses for path in ADDRESSES_OF_THE_DOCUMENT
    ]
    for document in documents:
        with google_client(document, key) as comments:
            asks_for_scores(comments)
            understands_what_is_refused(comments)
    for number, address in enumerate(served.addresses):
        document = httpx2.get(address + "/$discovery/rest").json()
        with discovery.build_from_document(document, developerKey=key) as service:
            suggests_a_score(service.comments(), token=f"comment:{number}")
        with google_client(documents[0], "AIzaNobodysKey") as comments:
            has_no_key(comments)
        with google_client(documents[0], served.key(f"impatient {number}", 1)) as comments:
            asks_too_often(comments)

    with served.database.reading() as session:
        kept = [(one.text, one.scores, one.token) for one in suggestions.listed(session)]
    assert kept == [("Hm.", {"toxicity": 1}, f"comment:{number}") for number in (1, 0)]


def asks_for_scores(comments: Any) -> None:
    answer = comments.analyze(
        body={
            "comment": {"text": INSULT},
            "requestedAttributes": {"TOXICITY": {}, "THREAT": {"scoreThreshold": 0.9}},
            "languages": ["en"],
            "spanAnnotations": True,
            "doNotStore": True,
            "clientToken": "comment:7",
        }
    ).execute()

    assert answer["clientToken"] == "comment:7"
    (attribute,) = answer["attributeScores"]
    assert attribute == "TOXICITY"
    assert answer["attributeScores"]["TOXICITY"]["summaryScore"]["value"] > 0.5
    first, second = answer["attributeScores"]["TOXICITY"]["spanScores"]
    assert INSULT[first["begin"] : first["end"]] == "You are a pathetic idiot."
    assert first["score"]["value"] > 0.5 > second["score"]["value"]


def suggests_a_score(comments: Any, *, token: str) -> None:
    answer = comments.suggestscore(
        body={
            "comment": {"text": "Hm."},
            "attributeScores": {"TOXICITY": {"summaryScore": {"value": 1}}},
            "clientToken": token,
        }
    ).execute()

    assert answer == {"clientToken": token}


def understands_what_is_refused(comments: Any) -> None:
    for more, reason, kind in (
        ({"comment": {"text": ""}}, "Comment must be non-empty.", "COMMENT_EMPTY"),
        ({"languages": ["de"]}, "Attribute TOXICITY does not support", "LANGUAGE_NOT_SUPPORTED"),
    ):
        with pytest.raises(HttpError) as refused:
            comments.analyze(body=HELLO | more).execute()
        assert refused.value.status_code == 400
        assert refused.value.reason.startswith(reason)
        assert kind in str(refused.value.error_details)


def has_no_key(comments: Any) -> None:
    with pytest.raises(HttpError, match="API key not valid"):
        comments.analyze(body=HELLO).execute()


def asks_too_often(comments: Any) -> None:
    comments.analyze(body=HELLO).execute()
    with pytest.raises(HttpError) as refused:
        comments.analyze(body=HELLO).execute()
    assert refused.value.status_code == 429
    assert int(refused.value.resp["retry-after"]) > 0


# perspective-api-client, on Node


@pytest.fixture(scope="session")
def npm_client() -> Callable[..., dict[str, Any]]:
    """Ask with the client of npm; it is installed at the versions of its lockfile."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not (node and npm):
        pytest.skip("node and npm are not installed, so the client of npm did not run")
    wanted, there = CLIENTS / "package-lock.json", CLIENTS / "node_modules" / ".package-lock.json"
    if not there.exists() or there.stat().st_mtime < wanted.stat().st_mtime:
        installed = subprocess.run(
            [npm, "ci", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund"],
            cwd=CLIENTS,
            capture_output=True,
            text=True,
            check=False,
        )
        assert installed.returncode == 0, f"npm could not install the client: {installed.stderr}"

    def ask(address: str, key: str, text: str, **options: Any) -> dict[str, Any]:
        ran = subprocess.run(
            [node, "analyze.js", address, key, text, json.dumps(options)],
            cwd=CLIENTS,
            capture_output=True,
            text=True,
            check=True,
        )
        answer: dict[str, Any] = json.loads(ran.stdout)
        return answer

    return ask


def test_the_client_of_npm_asks_for_scores_and_understands_what_is_refused(
    served: Served, npm_client: Callable[..., dict[str, Any]]
) -> None:
    key = served.key("newsroom")
    for address in served.addresses:
        answer = npm_client(address, key, f"<p>{INSULT}</p>", attributes=["toxicity", "profanity"])

        scores = answer["scores"]["attributeScores"]
        assert set(scores) == {"TOXICITY", "PROFANITY"}
        assert scores["TOXICITY"]["summaryScore"]["value"] > 0.5
        assert scores["TOXICITY"]["summaryScore"]["type"] == "PROBABILITY"
        # The client takes the tags out; the span is that of the text as it was sent.
        assert scores["TOXICITY"]["spanScores"][0]["end"] == len(INSULT)

        for used, options, problem in (
            ("AIzaNobodysKey", {}, "API key not valid. Please pass a valid API key."),
            (key, {"attributes": ["humour"]}, "Unknown requested attribute: HUMOUR"),
        ):
            answer = npm_client(address, used, "Hello.", **options)
            assert answer == {"problem": problem, "status": 400, "name": "ResponseError"}


# the server itself


def test_neither_a_key_nor_a_comment_is_ever_logged(run: Callable[..., Running]) -> None:
    running, port = run(classifier="onnx:/nowhere"), free_port()
    address = f"http://127.0.0.1:{port}"
    with running.database.writing() as session:
        key = keys.create(session, "newsroom")
    process = running.start("score-api", "--port", str(port))
    until(lambda: httpx2.get(address + "/healthz").status_code == 200, "it answers")
    secret = json.dumps(HELLO | {"comment": {"text": "Nobody may read this."}})

    for path, sent, status in (
        (f"/v1alpha1/comments:analyze?key={key}", secret, 503),
        (f"/v1alpha1/comments:analyze?key={key}x", secret, 400),
        (f"/v1alpha1/comments:analyze?key={key}", secret[:-3], 400),
        (f"/nothing?key={key}", secret, 404),
    ):
        answer = httpx2.post(address + path, content=sent)
        assert answer.status_code == status
        assert "Nobody may read" not in answer.text
        assert key not in answer.text
    process.send_signal(signal.SIGINT)
    _, printed = process.communicate(timeout=PATIENCE)

    assert process.returncode == 0, printed
    assert b"classifier_unavailable" in printed
    assert b"Nobody may read" not in printed
    assert key.encode() not in printed
