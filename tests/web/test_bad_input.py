"""Bad input of any kind gets 4xx and words; never 500, never silence."""

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as with_settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from forum.accounts import Role

THREAD = "/threads/the-town-that-argues-about-tea"

ADDRESSES = [
    "/comments/0", "/comments/-1", "/comments/abc", "/comments/99999999999999999999999999",
    "/comments/%00", "/comments/1%27", "/threads/nothing", "/threads/%00%ff", "/sections/none",
    f"{THREAD}?after=abc", f"{THREAD}?after=99999999999999999999", f"{THREAD}?order=%00",
    f"{THREAD}?root=7", f"{THREAD}?start=0&after=5", f"{THREAD}/events?after=x",
    "/?before=abc", "/?before=%F0%9F%92%A9",
    "/review?show=nothing", "/review?after=abc", "/review?after=2026-11-22~x",
    "/review?after=2026-11-22T00:00:00~5",
    "/review?after=2026-11-22T00:00:00%2B00:00~9999999999999999999",
    "/review?after=0001-01-01T00:00:00%2B23:59~1", "/review?done=abc", "/review/cases/77",
    "/review/log?before=x", "/admin/policy/99", "/admin/accounts?name=%00%25_", "/api/threads/x",
    f"/api{THREAD}/comments?order=best", "/admin/accounts?after=-1",
]  # fmt: skip


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_that_makes_no_sense_is_answered_with_words(site, address):
    admin = site.person("Ada", Role.ADMIN)
    answer = admin.opens(address)
    assert answer.status_code in (200, 404), answer.status_code
    assert len(answer.text) > 20


FORMS = [
    (f"{THREAD}/comments", {}),
    (f"{THREAD}/comments", {"text": "x", "parent": "abc"}),
    (f"{THREAD}/comments", {"text": "x", "parent": "99999999999999999999"}),
    (f"{THREAD}/comments", {"text": "x", "parent": "77"}),
    ("/comments/1/edit", {"text": "x"}),
    ("/comments/1/report", {"reason": "spam"}),
    ("/sign-up", {"name": "\x00", "password": "long enough it is"}),
    ("/sign-up", {"name": "a" * 10_000, "password": "long enough it is"}),
    ("/sign-up", {"name": "Bea", "password": "short"}),
    ("/sign-up", {"name": "Bea", "password": "x" * 10_000}),
    ("/sign-in", {}),
    ("/review/cases/1", {"to": "approve"}),
    ("/review/cases/1", {"to": "approve", "version": "1"}),
    ("/review/decisions/1/undo", {}),
    ("/admin/policy", {"based_on": "1"}),
    ("/admin/policy", {"based_on": "1", "hold_insult": "much", "mode": "publish_unless_held"}),
    ("/admin/policy", {"based_on": "1", "hold_insult": "nan", "mode": "publish_unless_held"}),
    ("/admin/policy", {"based_on": "1", "hold_insult": "1e999", "mode": "publish_unless_held"}),
    ("/admin/policy", {"based_on": "1", "hold_insult": "0.5", "mode": "nothing"}),
    (
        "/admin/policy",
        {"based_on": "1", "hold_insult": ".9", "reject_insult": ".5", "mode": "hold_everything"},
    ),
    ("/admin/policy/99", {"based_on": "1"}),
    ("/admin/disclaimer", {"text": " ", "based_on": "1"}),
    ("/admin/disclaimer", {"text": "x" * 5000, "based_on": "1"}),
    ("/admin/accounts/1", {"action": "role", "role": "king"}),
    ("/admin/accounts/1", {"action": "dance"}),
    ("/admin/accounts/99", {"action": "close"}),
    ("/admin/articles/99", {"action": "close"}),
    ("/admin/articles/1", {"action": "burn"}),
]


@pytest.mark.parametrize(("address", "fields"), FORMS)
def test_a_form_that_makes_no_sense_is_refused_with_words(site, address, fields):
    admin = site.person("Ada", Role.ADMIN)
    answer = admin.sends(address, **fields)
    assert 400 <= answer.status_code < 500, answer.status_code
    assert len(answer.text) > 20


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\xff\xfe", "application/json"),
        (b"[" * 100_000, "application/json"),
        (b'{"text": "\\ud800"}', "application/json"),
        (b'{"text": 5}', "application/json"),
        (b'{"text": "x", "parent": true}', "application/json"),
        (b'{"text": "x", "parent": 1e300}', "application/json"),
        (b"[]", "application/json"),
        (b"", "application/json"),
        (b"text=x", "application/x-www-form-urlencoded"),
    ],
)
def test_json_that_makes_no_sense_is_refused_as_problem_json(site, content, kind):
    reader = site.person("Ann")
    answer = reader.client.post(
        f"/api{THREAD}/comments", content=content, headers={"content-type": kind}
    )
    if b"ud800" in content:
        assert answer.status_code == 202, "half a character becomes a question mark"
        return
    assert 400 <= answer.status_code < 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"--x\r\nnonsense", "multipart/form-data; boundary=x"),
        (b"text=x", "multipart/form-data"),
        (b"%ff%fe=%00", "application/x-www-form-urlencoded"),
        (b"&".join(b"a%d=1" % n for n in range(500)), "application/x-www-form-urlencoded"),
        (b"text=x", "text/plain"),
        (
            b'--x\r\nContent-Disposition: form-data; name="text"; filename="a.txt"\r\n\r\nhi\r\n'
            b"--x--\r\n",
            "multipart/form-data; boundary=x",
        ),
    ],
)
def test_a_body_that_is_no_form_is_refused(site, content, kind):
    reader = site.person("Ann")
    answer = reader.client.post(
        f"{THREAD}/comments", content=content, headers={"content-type": kind}
    )
    assert 400 <= answer.status_code < 500


@with_settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(text=st.text(max_size=300))
def test_whatever_is_typed_as_a_comment_comes_back_or_is_kept(site, clock, text):
    clock.turn(days=2)
    reader = site.person(f"Ann {clock.now.timestamp()}".replace(".", " ")[:40])
    answer = reader.comments(text)
    assert answer.status_code in (200, 422)


def test_a_wrong_method_says_so(site):
    answer = site.person("Ann").client.delete(THREAD)
    assert answer.status_code == 405
    assert "Not like that" in answer.text


def test_errors_are_a_page_for_people_and_problem_json_for_programs(site):
    reader = site.person("Ann")
    page = reader.opens("/nowhere")
    assert page.headers["content-type"].startswith("text/html")
    assert "Nothing here" in page.text

    problem = reader.client.get("/nowhere", headers={"accept": "application/json"})
    assert problem.headers["content-type"] == "application/problem+json"
    assert problem.json()["code"] == "not-found"


def test_an_address_without_a_page_leaves_people_signed_in(site):
    page = site.person("Ann").reads("/nowhere")
    assert "Nothing here" in page
    assert "Ann" in page
    assert "Sign in" not in page


def test_whoever_goes_away_while_sending_is_no_mistake_of_ours(site):
    ann = site.person("Ann")
    headers = {
        "host": "testserver",
        "cookie": f"forum={ann.token}",
        "content-type": "application/x-www-form-urlencoded",
        "content-length": "20",
    }
    scope = {
        "type": "http",
        "method": "POST",
        "path": f"{THREAD}/comments",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }

    async def goes_away():
        return {"type": "http.disconnect"}

    answers = []

    async def unheard(message):
        answers.append(message)

    with capture_logs() as logs:
        ann.client.portal.call(site.app, scope, goes_away, unheard)

    assert answers[0]["status"] == 400
    assert [line for line in logs if line["log_level"] == "error"] == []
