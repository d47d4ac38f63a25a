"""forum/web/openapi.json is what programs are written by: it is held against routes and answers."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from httpx2 import Response
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from forum import articles
from forum.accounts import Role
from forum.web import api, routes
from tests.people import PASSWORD, Person, Site

DOCUMENT = json.loads(api.OPENAPI.read_text(encoding="utf-8"))
ROWS = [row for row in routes.TABLE if row.path.startswith("/api/")]
COMMENTS = "/api/threads/{slug}/comments"
TEA = {"slug": "the-town-that-argues-about-tea"}


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            if method != "parameters":
                yield method.upper(), path, operation


def test_the_document_is_valid_openapi() -> None:
    validate(DOCUMENT)


def test_it_describes_the_addresses_that_the_route_table_has_and_no_others() -> None:
    described = {(method, path, op["operationId"]) for method, path, op in operations()}

    assert described == {(row.method, row.path, row.name) for row in ROWS}


def test_it_asks_for_a_token_where_the_route_table_does() -> None:
    required = {
        op["operationId"]
        for _, _, op in operations()
        if op["security"] and {} not in op["security"]
    }

    assert required == {row.name for row in ROWS if row.who is not None}


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


class Program:
    """A program that asks the API and compares every answer with what the document says of it."""

    def __init__(self, person: Person) -> None:
        self.client = person.client
        self.client.cookies.clear()
        self.client.follow_redirects = False
        self.seen: set[tuple[str, str, str]] = set()

    def asks(
        self,
        method: str,
        path: str,
        status: int,
        *,
        token: str = "",
        headers: dict[str, str] | None = None,
        body: object = None,
        slug: str = TEA["slug"],
        **query: Any,
    ) -> Any:
        """Return the body of the answer, if it is the one expected and is as documented."""
        answer = self.client.request(
            method,
            path.format(slug=slug),
            params=query,
            json=body,
            headers=(bearer(token) if token else {}) | (headers or {}),
        )
        assert answer.status_code == status, answer.text
        self.seen.add((method, path, str(status)))
        return _as_documented(method, path, answer)


def _as_documented(method: str, path: str, answer: Response) -> Any:
    described = DOCUMENT["paths"][path][method.lower()]["responses"][str(answer.status_code)]
    if "$ref" in described:
        described = DOCUMENT["components"]["responses"][described["$ref"].rpartition("/")[2]]
    for name in described.get("headers", {}):
        assert name.lower() in answer.headers
    if "content" not in described:
        assert not answer.content
        return None
    ((kind, content),) = described["content"].items()
    assert answer.headers["content-type"] == kind
    schema = _closed(content["schema"] | {"components": DOCUMENT["components"]})
    checker = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    checker.validate(answer.json())
    return answer.json()


def _closed(schema: Any) -> Any:
    """Return the schema without room for what it does not name, so that nothing is left out."""
    if isinstance(schema, list):
        return [_closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(part) for name, part in schema.items()}
    if schema.get("type") == "object" and "properties" in schema:
        closed["additionalProperties"] = False
    return closed


@pytest.mark.site(comments_a_minute=4, sign_in_tries=1)
def test_every_answer_is_as_documented_and_every_documented_answer_is_given(
    site: Site, work: Any
) -> None:
    program = Program(site.person("Ana"))
    token = program.asks("POST", "/api/sessions", 201, body={"name": "Ana", "password": PASSWORD})[
        "token"
    ]

    question = program.asks("POST", COMMENTS, 202, token=token, body={"text": "Milk *first*?"})
    work()
    answered = {"text": "Milk last.", "parent": question["id"]}
    program.asks("POST", COMMENTS, 202, token=token, body=answered)
    program.asks("POST", COMMENTS, 202, token=token, body={"text": "You stupid idiot."})
    work()

    page = program.asks("GET", COMMENTS, 200)
    assert [each["text"] for each in page["comments"]] == ["Milk first?", "Milk last."]
    assert page["total"] == 2
    assert program.asks("GET", COMMENTS, 200, order="newest", root=question["id"])["next"] is None

    # The API has no deletion; the page's own form takes a token, too.
    program.client.post(f"/comments/{question['id']}/delete", headers=bearer(token))
    assert [each["gone"] for each in program.asks("GET", COMMENTS, 200)["comments"]] == [
        True,
        False,
    ]

    assert program.asks("GET", "/api/threads", 200)["threads"][0]["comments"] == 1
    assert program.asks("GET", "/api/threads", 200, section="life")["threads"]
    assert not program.asks("GET", "/api/threads", 200, section="lif")["threads"]
    assert "Milk goes in first" in program.asks("GET", "/api/threads/{slug}", 200)["body"]
    assert program.asks("GET", "/api/openapi.json", 200) == DOCUMENT

    program.asks("GET", "/api/threads", 404, before="yesterday")
    program.asks("GET", "/api/threads/{slug}", 404, slug="coffee")
    program.asks("GET", COMMENTS, 404, order="loudest")

    elsewhere = {"origin": "https://elsewhere.example"}
    for path in (COMMENTS, "/api/sessions"):
        program.asks("POST", path, 400, token=token, body=["not", "an", "object"])
        program.asks("POST", path, 403, token=token, body={}, headers=elsewhere)
        program.asks("POST", path, 413, token=token, body={"text": "a" * 300_000})
    program.asks("DELETE", "/api/sessions", 403, token=token, headers=elsewhere)
    program.asks("POST", COMMENTS, 401, body={"text": "Who am I?"})
    program.asks("POST", COMMENTS, 404, token=token, body={"text": "Tea."}, slug="coffee")
    assert program.asks("POST", COMMENTS, 422, token=token, body={})["field"] == "text"
    program.asks("POST", COMMENTS, 202, token=token, body={"text": "Tea."})
    program.asks("POST", COMMENTS, 429, token=token, body={"text": "More tea."})
    with site.database.writing() as session:
        articles.set_closed(session, articles.find(session, TEA["slug"]).id, closed=True)
    program.asks("POST", COMMENTS, 409, token=token, body={"text": "Too late?"})

    program.asks("DELETE", "/api/sessions", 204, token=token)
    program.asks("DELETE", "/api/sessions", 401, token=token)
    wrong = {"name": "Ana", "password": "not the one"}
    program.asks("POST", "/api/sessions", 422, body=wrong)
    program.asks("POST", "/api/sessions", 429, body=wrong)

    assert program.seen == {
        (method, path, status)
        for method, path, operation in operations()
        for status in operation["responses"]
        if status != "default"
    }


@pytest.mark.site(guests=True)
def test_a_guest_comments_under_a_name_and_goes_on_with_the_token(site: Site, work: Any) -> None:
    program = Program(site.person(role=None))

    token = program.asks("POST", COMMENTS, 202, body={"text": "Tea!", "name": "Cleo"})["token"]
    again = program.asks("POST", COMMENTS, 202, token=token, body={"text": "And cake."})
    work()

    assert "token" not in again
    shown = program.asks("GET", COMMENTS, 200)["comments"]
    assert [(each["author"], each["guest"]) for each in shown] == [("Cleo", True)] * 2


def test_an_address_that_the_api_does_not_have_answers_in_the_same_form(site: Site) -> None:
    client = site.person("Ana", Role.ADMIN).client

    for method, path in (("GET", "/api/coffee"), ("PUT", "/api/threads")):
        answer = client.request(method, path)
        Draft202012Validator(_closed(DOCUMENT["components"]["schemas"]["Problem"])).validate(
            answer.json()
        )
        assert answer.headers["content-type"] == "application/problem+json"
