"""The score API over HTTP: who may ask, how often, and what a refusal looks like to Google's."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from forum import keys, suggestions
from forum.app import create_app
from forum.database import Database
from forum.settings import Settings
from moderation import calibrations, policies
from moderation.calibration import Curve
from moderation.calibrations import Refit
from moderation.classifier import Classifier
from moderation.reliability import measure
from tests.people import Site

ANALYZE = "/v1alpha1/comments:analyze"
SUGGEST = "/v1alpha1/comments:suggestscore"
HELLO = {"comment": {"text": "Good morning."}, "requestedAttributes": {"TOXICITY": {}}}
LIKED = {"comment": {"text": "Hm."}, "attributeScores": {"TOXICITY": {"summaryScore": {}}}}

Key = Callable[..., str]


@pytest.fixture
def key(database: Database) -> Key:
    """Make a key, as `forum key create` does."""

    def make(name: str = "coral", a_minute: int = 600) -> str:
        with database.writing() as session:
            return keys.create(session, name, a_minute=a_minute)

    return make


@pytest.fixture
def client(site: Site) -> TestClient:
    return site.browser()


@pytest.fixture
def alone(settings: Settings, database: Database) -> Iterator[TestClient]:
    """The application of `forum score-api`."""
    app = create_app(settings, database=database, only_scores=True)
    with TestClient(app, base_url="http://scores.example") as client:
        yield client


def error(answer: Response) -> dict[str, Any]:
    """Return the error of an answer that is in Google's shape."""
    told = answer.json()
    assert list(told) == ["error"]
    assert told["error"]["code"] == answer.status_code
    assert len(told["error"]["message"]) > 10
    assert answer.headers["cache-control"] == "no-store"
    error: dict[str, Any] = told["error"]
    return error


def toxicity(answer: Response) -> float:
    assert answer.status_code == 200, answer.text
    return float(answer.json()["attributeScores"]["TOXICITY"]["summaryScore"]["value"])


def test_a_comment_is_scored_on_the_site_and_alone(
    client: TestClient, alone: TestClient, key: Key, classifier: Classifier
) -> None:
    shown = key()
    (scores,) = classifier.score(["Good morning."])

    for asked in (client, alone):
        by_query = asked.post(ANALYZE, params={"key": shown}, json=HELLO)
        by_header = asked.post(ANALYZE, headers={"x-goog-api-key": shown}, json=HELLO)
        assert toxicity(by_query) == toxicity(by_header) == scores["toxicity"]


def test_the_scores_are_those_of_the_site_with_its_own_calibration(
    alone: TestClient, key: Key, database: Database, classifier: Classifier
) -> None:
    shown = key()
    before = toxicity(alone.post(ANALYZE, params={"key": shown}, json=HELLO))
    sure = measure(np.array([True, False]), np.array([0.9, 0.1]))
    curve = Curve(((0.0, 0.5), (1.0, 0.9)))

    with database.writing() as session:
        calibrations.adopt(
            session,
            classifier,
            [Refit("toxicity", 100, 100, curve, sure, sure)],
            based_on=policies.in_force(session).id,
        )

    after = toxicity(alone.post(ANALYZE, params={"key": shown}, json=HELLO))
    assert after == pytest.approx(curve(np.array(before)))


def test_many_requests_at_once_are_all_answered(client: TestClient, key: Key) -> None:
    shown = key()

    def ask(_number: int) -> int:
        return client.post(ANALYZE, params={"key": shown}, json=HELLO).status_code

    with ThreadPoolExecutor(16) as people:
        assert set(people.map(ask, range(48))) == {200}


def test_without_a_key_nothing_is_answered(client: TestClient, key: Key) -> None:
    good = key()

    assert error(client.post(SUGGEST, json=LIKED))["status"] == "PERMISSION_DENIED"
    assert error(client.post(ANALYZE, json=HELLO))["status"] == "PERMISSION_DENIED"
    for forged in ("x", good[:-1], good + "x", "AIza" + "0" * 35, "é", "\x00", "k" * 5000):
        refused = error(client.post(ANALYZE, params={"key": forged}, json=HELLO))
        assert (refused["code"], refused["status"]) == (400, "INVALID_ARGUMENT")
        assert refused["message"] == "API key not valid. Please pass a valid API key."
        assert refused["details"][0]["reason"] == "API_KEY_INVALID"
        assert forged not in json.dumps(refused)
    token = client.post(ANALYZE, headers={"authorization": f"Bearer {good}"}, json=HELLO)
    assert error(token)["status"] == "UNAUTHENTICATED"


def test_a_revoked_key_is_refused_from_the_next_request_on(
    client: TestClient, key: Key, database: Database
) -> None:
    shown = key()
    assert client.post(ANALYZE, params={"key": shown}, json=HELLO).status_code == 200
    with database.writing() as session:
        keys.revoke(session, "coral")

    assert error(client.post(ANALYZE, params={"key": shown}, json=HELLO))["code"] == 400


def test_a_key_is_used_so_often_and_no_oftener(client: TestClient, key: Key) -> None:
    shown, other = key(a_minute=2), key("other")
    assert client.post(ANALYZE, params={"key": shown}, json=HELLO).status_code == 200
    assert client.post(SUGGEST, params={"key": shown}, json={}).status_code == 400

    answer = client.post(ANALYZE, params={"key": shown}, json=HELLO)

    assert error(answer)["status"] == "RESOURCE_EXHAUSTED"
    assert 0 < int(answer.headers["retry-after"]) <= 60
    reasons = {detail["@type"].rpartition(".")[2] for detail in error(answer)["details"]}
    assert reasons == {"ErrorInfo", "RetryInfo"}
    assert client.post(ANALYZE, params={"key": other}, json=HELLO).status_code == 200


@pytest.mark.site(classifier="onnx:/nowhere")
def test_without_its_classifier_there_is_no_score(
    client: TestClient, alone: TestClient, key: Key
) -> None:
    shown = key()

    for asked in (client, alone):
        answer = asked.post(ANALYZE, params={"key": shown}, json=HELLO)
        assert error(answer)["status"] == "UNAVAILABLE"
        assert answer.headers["retry-after"]
        assert "nowhere" not in answer.text
    ready = alone.get("/readyz")
    assert ready.status_code == 503
    assert "nowhere" not in ready.text
    assert ready.json()["database"] == "ok"


def test_who_comes_when_too_much_waits_is_told_to_come_again(
    site: Site, client: TestClient, key: Key
) -> None:
    site.state.desk.stop()

    answer = client.post(ANALYZE, params={"key": key()}, json=HELLO)

    assert error(answer)["status"] == "UNAVAILABLE"
    assert answer.headers["retry-after"] == "1"


@pytest.mark.site(body_limit=32_768)
def test_a_huge_body_is_refused_before_it_is_read(client: TestClient, key: Key) -> None:
    shown = key()
    huge = b'{"comment": {"text": "' + b"x" * 40_000

    answer = client.post(ANALYZE, params={"key": shown}, content=huge)
    drop_by_drop = client.post(ANALYZE, params={"key": shown}, content=iter([huge[:30_000], huge]))

    assert error(answer)["code"] == error(drop_by_drop)["code"] == 413


def test_a_page_of_another_site_cannot_ask(client: TestClient, key: Key) -> None:
    shown = key()
    asked = {"params": {"key": shown}, "json": HELLO}

    for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}):
        answer = client.post(ANALYZE, headers=headers, **asked)
        assert error(answer)["status"] == "PERMISSION_DENIED"
        assert "access-control-allow-origin" not in answer.headers
    before = client.options(
        ANALYZE,
        headers={"origin": "https://evil.example", "access-control-request-method": "POST"},
    )
    assert before.status_code == 405
    assert "access-control-allow-origin" not in before.headers


def test_what_is_not_there_is_refused_in_googles_shape(
    client: TestClient, alone: TestClient
) -> None:
    for asked in (client, alone):
        assert error(asked.get(ANALYZE))["code"] == 405
        assert error(asked.post("/v1alpha1/comments:delete"))["code"] == 404
        for path in (
            "/v1alpha1/",
            "/$discovery/rest?version=v2",
            "/discovery/v1/apis/translate/v1alpha1/rest",
            "/discovery/v1/apis/commentanalyzer/v7/rest",
        ):
            assert error(asked.get(path))["status"] == "NOT_FOUND"


def test_alone_there_is_no_site(alone: TestClient) -> None:
    for path in ("/", "/sign-in", "/api/threads", "/review", "/static/forum.css", "/%00"):
        assert error(alone.get(path))["status"] == "NOT_FOUND"
    assert alone.get("/healthz").text == "ok\n"
    # It asks for its token, or for a connection from the same machine.
    assert error(alone.get("/metrics"))["status"] == "PERMISSION_DENIED"


def test_the_discovery_document_names_the_address_to_ask_at(
    client: TestClient, alone: TestClient
) -> None:
    for path in (
        "/$discovery/rest?version=v1alpha1",
        "/discovery/v1/apis/commentanalyzer/v1alpha1/rest",
    ):
        assert alone.get(path).json()["rootUrl"] == "http://scores.example/"
        assert client.get(path).json()["rootUrl"] == "http://127.0.0.1:8000/"


@pytest.mark.site(address="https://comments.example")
def test_an_address_that_the_operator_named_is_the_one(alone: TestClient) -> None:
    found = alone.get("/$discovery/rest", headers={"host": "evil.example"}).json()

    assert found["rootUrl"] == found["baseUrl"] == "https://comments.example/"


def test_a_suggestion_is_kept_with_its_key(
    client: TestClient, alone: TestClient, key: Key, database: Database
) -> None:
    shown = key()
    for asked, more in (
        (client, {"clientToken": "comment:7", "communityId": "Coral:news"}),
        (alone, {"comment": {"text": "\x00Hm too."}}),
        (client, {"comment": {"text": "Private."}, "doNotStore": True}),
    ):
        answer = asked.post(SUGGEST, params={"key": shown}, json=LIKED | more)
        assert answer.status_code == 200, answer.text
        assert answer.json().get("clientToken") == more.get("clientToken")

    with database.reading() as session:
        assert [
            (one.text, dict(one.scores), one.community, one.token, one.key.name)
            for one in suggestions.listed(session)
        ] == [
            ("Hm too.", {"toxicity": 0.0}, "", "", "coral"),
            ("Hm.", {"toxicity": 0.0}, "Coral:news", "comment:7", "coral"),
        ]


def test_nonsense_is_a_bad_request(client: TestClient, key: Key) -> None:
    shown = key()
    for path in (ANALYZE, SUGGEST):
        for sent in (b"", b"{", b'{"comment": 7}', b"\xff", b"[" * 50_000):
            answer = client.post(path, params={"key": shown}, content=sent)
            assert error(answer)["status"] == "INVALID_ARGUMENT"
