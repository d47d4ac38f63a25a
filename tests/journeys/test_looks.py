"""Every page as it looks: axe finds nothing, and nothing scrolls sideways."""

import pytest
from axe_core_python.sync_playwright import Axe

from forum.accounts import Role
from forum.tables import Alarm
from forum.web.routes import TABLE
from moderation.tables import time_of
from tests.journeys.conftest import THREAD, until

INSULT = "You stupid idiot, shut up."
# What a browser is sent elsewhere, or that is no page.
NO_PAGES = {
    "address", "comment", "comment_part", "discovery", "discovery_v1", "events", "healthz",
    "metrics", "next_case", "public_log_json", "queue_events", "readyz", "statement", "static",
    "transparency_csv",
}  # fmt: skip
# With what an address is filled in: the things that the fixture made.
PARTS = {
    "/sections/{section:path}": "/sections/life",
    "/threads/{slug}": THREAD,
    "/comments/{id}/edit": "/comments/1/edit",
    "/review/cases/{id}": "/review/cases/2",
    "/review/authors/{id}": "/review/authors/3",
}
MORE = [
    "/nowhere",
    "/review?show=published",
    "/review?show=rejected",
    "/review?section=life&least=0.2&held_for=score",
    "/review?q=idiot",
    "/review?q=*",
    "/admin/words/try?words=idiot",
]


def addresses() -> list[str]:
    """Every page of the route table, and some that are asked for in another way."""
    pages = [
        PARTS.get(row.path, row.path.replace("{id}", "1"))
        for row in TABLE
        if row.method == "GET" and row.name not in NO_PAGES and not row.name.startswith("api_")
    ]
    return [*pages, *MORE]


@pytest.fixture
def site(run):
    """A site where everything has happened once: so every page has something to show."""
    site = run()
    site.serve()
    site.ada, site.mona = site.person("Ada", Role.ADMIN), site.person("Mona", Role.MODERATOR)
    site.person("Bob")
    says = [
        "Milk first, **always**, says [the town](https://town.example).",
        INSULT,
        "You are an idiot.",
    ]
    for text in says:
        assert site.ada.post(f"{THREAD}/comments", data={"text": text}).status_code == 303
    until(lambda: site.mona.get("/review").text.count('class="case"') == 2, "both are held")
    rejected = {"to": "reject", "version": "2", "reason": "harassment"}
    for client, path, fields in (
        (site.mona, "/review/cases/3", rejected),
        (site.mona, "/review/authors/3", {"kind": "warning", "words": "Please be civil."}),
        (site.ada, "/review/batches", {"which": "all"}),
        (site.ada, "/review/sweeps", {"label": "toxicity", "least": "0", "most": "1"}),
    ):
        answer = client.post(path, data=fields, headers={"origin": site.address})
        assert answer.status_code == 303, (path, answer.text)
    with site.database.writing() as session:
        now = time_of(session)
        said = {"title": "Nothing is scored", "words": "1 comment waits.", "advice": "Ask."}
        for over in (None, now):
            session.add(
                Alarm(kind="mail", subject="", opened_at=now, seen_at=now, cleared_at=over, **said)
            )
    return site


# Colours hang on the scheme and places on the width, so two of the four are enough.
@pytest.mark.looks
@pytest.mark.parametrize(("scheme", "width"), [("light", 390), ("dark", 1280)])
def test_axe_finds_nothing_on_any_page(site, open_page, scheme, width):
    size = {"width": width, "height": 900}
    page = open_page(site, viewport=size, color_scheme=scheme, reduced_motion="reduce")
    cookie = {"name": "forum", "value": site.ada.cookies["forum"], "url": site.address}
    page.context.add_cookies([cookie])
    axe = Axe()
    for address in addresses():
        answer = page.goto(address)
        assert answer.status == (404 if address == "/nowhere" else 200), address
        # What is folded away is looked at as well.
        page.evaluate(
            "document.querySelectorAll('details').forEach((each) => { each.open = true; })"
        )
        found = axe.run(page)["violations"]
        assert not found, (address, [(v["id"], v["nodes"][0]["html"]) for v in found])
        wide = page.evaluate(
            "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        )
        assert not wide, f"{address} scrolls sideways at {width} pixels"
