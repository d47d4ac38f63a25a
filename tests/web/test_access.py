"""Who may: every route for every role, foreign forms, huge bodies, what every answer carries."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from forum.accounts import Role
from forum.web.routes import TABLE
from tests.people import PASSWORD

SAMPLE = {
    "slug": "the-town-that-argues-about-tea",
    "id": "1",
    "section": "life/food",
    "file": "forum.css",
    "api": "commentanalyzer",
    "version": "v1alpha1",
    "token": "nothing",
}
# A live stream never ends; it is read by the live tests.
ROWS = [row for row in TABLE if not row.name.endswith("events")]


def filled(path):
    return re.sub(r"{(\w+)(?::\w+)?}", lambda name: SAMPLE[name[1]], path)


def knocks(person, row):
    """Ask for a route as this person, without following."""
    return person.client.request(
        row.method,
        filled(row.path),
        headers={"origin": person.site.settings.address},
        follow_redirects=False,
    )


@pytest.mark.parametrize("role", [None, *Role], ids=lambda role: role or "stranger")
def test_every_route_refuses_those_below_its_role_and_no_one_else(site, role):
    person = site.person("Ann", role)
    for row in ROWS:
        # Signing out would end what the walk stands on; whether strangers may post is a setting.
        if row.name in ("sign_out", "api_sign_out", "post_comment", "api_post"):
            continue
        answer = knocks(person, row)
        assert answer.status_code < 500, row
        allowed = row.who is None or (role is not None and role.allows(row.who))
        refused = answer.status_code in (401, 403) or "/sign-in" in answer.headers.get(
            "location", ""
        )
        # These may refuse for a reason of their own: oneself, another machine, no API key.
        picky = row.name in ("change_account", "metrics", "analyze", "suggestscore")
        assert refused != allowed or picky, f"{role} {row.method} {row.path}: {answer.status_code}"


def test_no_address_answers_that_is_not_in_the_table(site):
    reader = site.person("Ann")
    for path in ("/admin", "/review/cases", "/static/../settings.py", "/static/%2e%2e/app.py"):
        assert reader.client.get(path).status_code == 404, path


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://["},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site", "origin": "http://other.127.0.0.1"},
        {"sec-fetch-site": "cross-site", "origin": "http://127.0.0.1:8000"},
    ],
)
def test_a_form_of_another_site_does_nothing(site, headers):
    reader = site.person("Ann")
    path = "/threads/the-town-that-argues-about-tea/comments"

    answer = reader.client.post(path, data={"text": "Forged."}, headers=headers)

    assert answer.status_code == 403
    assert "another site" in answer.text
    assert "Forged." not in reader.reads("/account")


def test_a_form_of_our_own_page_and_a_program_without_origin_are_served(site):
    reader = site.person("Ann")
    path = "/threads/the-town-that-argues-about-tea/comments"
    for number, headers in enumerate(
        [{}, {"sec-fetch-site": "same-origin"}, {"origin": "http://127.0.0.1:8000"}]
    ):
        answer = reader.client.post(path, data={"text": f"Tea {number}"}, headers=headers)
        assert answer.status_code == 200, headers


def test_every_answer_carries_the_headers_that_protect_it(site):
    reader = site.person("Ann")
    paths = [
        "/",
        "/threads/the-town-that-argues-about-tea",
        "/nowhere",
        "/static/forum.css",
        "/api/threads",
        "/review",
        "/comments/99999999999999999999999",
    ]
    for path in paths:
        headers = reader.client.get(path).headers
        policy = headers["content-security-policy"]
        assert "unsafe" not in policy
        assert "script-src 'self'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"


def test_no_page_has_inline_script_or_style(site):
    admin = site.person("Ada", Role.ADMIN)
    for row in TABLE:
        if (
            row.method == "GET"
            and not row.name.endswith(("events", "static"))
            and "{id}" not in row.path
        ):
            page = admin.opens(filled(row.path)).text
            assert not re.search(r"<style\b|\sstyle=|\son\w+=\"|<script(?![^>]*\bsrc=)", page), row


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(site):
    site.person("Ann")
    stranger = site.person(role=None)
    answer = stranger.client.post(
        "/sign-in",
        data={"name": "Ann", "password": "correct horse battery"},
        follow_redirects=False,
    )
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie


@pytest.mark.site(address="https://forum.example")
def test_with_https_the_cookie_is_secure_and_bound_to_the_host(site):
    stranger = site.person(role=None)
    answer = stranger.client.post(
        "/sign-up",
        data={"name": "Ann", "password": "correct horse battery"},
        follow_redirects=False,
    )
    assert answer.headers["set-cookie"].startswith("__Host-forum=")
    assert "Secure" in answer.headers["set-cookie"]
    assert "max-age" in answer.headers["strict-transport-security"]


def test_a_body_that_is_too_large_is_refused_with_words(site):
    reader = site.person("Ann")
    path = "/threads/the-town-that-argues-about-tea/comments"

    declared = reader.comments("x" * 300_000)
    streamed = reader.client.post(
        path,
        content=(b"text=" + b"x" * 100_000 for _ in range(4)),
        headers={"content-type": "application/x-www-form-urlencoded"},
    )

    assert declared.status_code == streamed.status_code == 413
    assert "KiB" in declared.text


def test_a_closed_account_is_out_at_once(site):
    reader, admin = site.person("Ann"), site.person("Ada", Role.ADMIN)
    assert reader.opens("/account").status_code == 200

    admin.sends(f"/admin/accounts/{reader.account_id}", action="close")

    assert "Sign in" in reader.reads("/account")


@pytest.mark.parametrize("target", ["//evil.example", "/\\evil.example", "https://evil.example"])
def test_signing_in_leads_to_no_other_site(site, target):
    site.person("Ann")
    answer = site.person(role=None).client.post(
        "/sign-in",
        data={"name": "Ann", "password": "correct horse battery", "next": target},
        follow_redirects=False,
    )
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/?")


def test_guessing_passwords_is_slowed_down_also_for_names_that_do_not_exist(site):
    stranger = site.person(role=None)
    for _ in range(site.settings.sign_in_tries):
        assert stranger.sends("/sign-in", name="Nobody", password="guess").status_code == 422

    answer = stranger.sends("/sign-in", name="Nobody", password="guess")

    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0


def test_guesses_sent_all_at_once_are_no_more_than_one_after_the_other(site):
    tries = site.settings.sign_in_tries
    guessers = [site.person(role=None) for _ in range(tries + 5)]
    with ThreadPoolExecutor(len(guessers)) as at_once:
        answers = at_once.map(
            lambda one: one.sends("/sign-in", name="Nobody", password="guess").status_code, guessers
        )

    assert sorted(answers) == [422] * tries + [429] * 5


def test_right_passwords_are_not_counted_as_wrong_ones(site):
    ann = site.person("Ann")
    for _ in range(site.settings.sign_in_tries + 1):
        assert ann.sends("/sign-in", name="Ann", password=PASSWORD).status_code == 200


def test_metrics_are_for_this_machine_or_those_with_the_token(site):
    stranger = site.person(role=None)
    # The test's client is no address at all, so it counts as foreign.
    assert stranger.client.get("/metrics").status_code == 403


@pytest.mark.site(metrics_token="sesame")
def test_metrics_are_read_with_the_token_and_count_what_happened(site):
    stranger = site.person(role=None)
    stranger.opens("/")
    answer = stranger.client.get("/metrics", headers={"authorization": "Bearer sesame"})
    assert 'forum_requests_total{route="front",status="200"} 1.0' in answer.text
    assert stranger.client.get("/metrics").status_code == 403
