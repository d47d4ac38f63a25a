"""Readers: post, reply, edit, delete, report; what they see and what they do not."""

import re

import pytest

from forum.accounts import Role
from forum.articles import ArticleText
from tests.people import TEA, words

INSULT = "You stupid idiot, shut up."


@pytest.fixture
def ann(site):
    return site.person("Ann")


@pytest.fixture
def bob(site):
    return site.person("Bob")


@pytest.fixture
def stranger(site):
    return site.person(role=None)


@pytest.fixture
def moderator(site):
    return site.person("Mona", Role.MODERATOR)


def test_a_comment_is_seen_by_its_author_alone_until_it_is_checked(ann, bob, stranger, work):
    ann.comments("Milk first, always.")

    assert ann.sees("Milk first, always.")
    assert "waiting to be checked" in ann.reads().lower()
    assert bob.cannot_see("Milk first, always.")
    assert stranger.cannot_see("Milk first, always.")

    work()

    assert stranger.sees("Milk first, always.")
    assert bob.sees("Milk first, always.")


def test_what_a_page_says_to_one_reader_is_not_kept_for_others(ann, stranger):
    # The first to read the thread after a change, with a notice at the top of the page.
    assert "Thank you" in words(ann.comments("Milk first, always.").text)

    assert "Thank you" not in stranger.reads()
    assert "Ann" not in stranger.reads()


def test_a_toxic_comment_waits_for_a_moderator(ann, bob, moderator, work):
    ann.comments(INSULT)
    work()
    assert bob.cannot_see(INSULT)

    moderator.approves(INSULT)

    assert bob.sees(INSULT)


def test_the_disclaimer_stands_on_every_surface(site, ann, stranger, work):
    own = "Comments represent their owners and not `Tea is Here` necessarily."
    site.load(
        ArticleText("own.txt", "An article with its own words", "", "A body.", disclaimer=own)
    )
    ann.comments("Milk first.")
    work()
    number = ann.id_of("Milk first.")

    for path, words_of_it in [
        ("/threads/an-article-with-its-own-words", own),
        ("/threads/the-town-that-argues-about-tea", "opinions of the people who wrote them"),
        (f"/comments/{number}/reply", "opinions of the people who wrote them"),
        (f"/comments/{number}/edit", "opinions of the people who wrote them"),
        ("/rules", "opinions of the people who wrote them"),
    ]:
        assert words_of_it in ann.reads(path).replace("` ", "`").replace(" `", "`").replace(
            "`Tea", " `Tea"
        ).replace("  ", " ").replace("Here`n", "Here` n"), path
    api = stranger.opens("/api/threads/an-article-with-its-own-words")
    assert api.json()["disclaimer"] == own
    listed = stranger.opens("/api/threads/an-article-with-its-own-words/comments")
    assert listed.json()["disclaimer"] == own


def test_markdown_is_rendered_and_nothing_else_is(ann, work):
    ann.comments(
        "**Strong** and <script>alert(1)</script> [a link](https://tea.example) "
        "[bad](javascript:alert(1)) ![pic](https://spy.example/x.png)\n\n# no heading"
    )
    work()
    page = ann.opens("/threads/the-town-that-argues-about-tea").text
    comment = re.search(r'<article[^>]*id="comment-\d+".*?</article>', page, re.S)[0]

    assert "<strong>Strong</strong>" in comment
    assert 'href="https://tea.example" rel="nofollow ugc noopener"' in comment
    for harm in ("<script", 'javascript:alert(1)"', "<img", "<h1"):
        assert harm not in comment


def test_a_reply_stands_below_what_it_answers(ann, bob, stranger, work):
    ann.comments("Milk first.")
    work()
    bob.replies("Tea first.", to="Milk first.")
    work()
    ann.comments("A later comment.")
    work()

    seen = stranger.reads()
    assert seen.index("Milk first.") < seen.index("Tea first.") < seen.index("A later comment.")


def test_an_edit_is_checked_again_and_every_wording_is_kept(ann, bob, moderator, work):
    ann.comments("Milk first.")
    work()
    number = ann.id_of("Milk first.")

    ann.sends(f"/comments/{number}/edit", text=INSULT)
    assert bob.cannot_see("Milk first.")
    assert bob.cannot_see(INSULT)
    work()

    assert bob.cannot_see(INSULT)
    case = moderator.case_of(INSULT)
    page = moderator.reads(f"/review/cases/{case.id}")
    assert "Milk first." in page
    assert INSULT in page


def test_an_edit_is_possible_for_fifteen_minutes(ann, clock, work):
    ann.comments("Milk first.")
    work()
    number = ann.id_of("Milk first.")
    clock.turn(minutes=15, seconds=1)

    answer = ann.sends(f"/comments/{number}/edit", text="Tea first.")

    assert answer.status_code == 422
    assert "15 minutes" in answer.text
    assert "Tea first." in answer.text, "what was typed is not lost"
    assert ann.sees("Milk first.")


def test_nobody_edits_or_deletes_what_others_wrote(ann, bob, work):
    ann.comments("Milk first.")
    work()
    number = ann.id_of("Milk first.")

    assert bob.sends(f"/comments/{number}/edit", text="Mine.").status_code == 403
    assert bob.sends(f"/comments/{number}/delete").status_code == 403
    assert bob.sees("Milk first.")


def test_deleting_leaves_the_replies_of_others(ann, bob, stranger, work):
    ann.comments("Milk first.")
    work()
    bob.replies("Tea first.", to="Milk first.")
    work()

    ann.sends(f"/comments/{ann.id_of('Milk first.')}/delete")

    assert stranger.cannot_see("Milk first.")
    assert stranger.sees("Tea first.")
    assert stranger.sees("deleted")


def test_a_deleted_comment_that_waits_is_not_left_in_any_queue(ann, moderator, work):
    ann.comments(INSULT)
    work()
    ann.sends(f"/comments/{ann.id_of(INSULT)}/delete")

    assert INSULT not in moderator.reads("/review")
    assert work() == 0


def test_a_report_brings_a_published_comment_to_the_moderators(ann, bob, stranger, moderator, work):
    ann.comments("Milk first.")
    work()
    number = ann.id_of("Milk first.")

    bob.sends(f"/comments/{number}/report", reason="other", words="Advertises milk.")

    assert stranger.sees("Milk first.")
    assert "Advertises milk." in moderator.case_of("Milk first.", show="reported").text
    moderator.rejects("Milk first.", show="reported", reason="spam")
    assert stranger.cannot_see("Milk first.")


def test_one_reader_reports_a_comment_once_and_never_an_own_one(ann, bob, work):
    ann.comments("Milk first.")
    work()
    number = ann.id_of("Milk first.")
    assert bob.sends(f"/comments/{number}/report", reason="spam").status_code == 200

    again = bob.sends(f"/comments/{number}/report", reason="spam")
    own = ann.sends(f"/comments/{number}/report", reason="spam")

    assert again.status_code == own.status_code == 422
    assert "already" in again.text


@pytest.mark.parametrize(
    ("text", "says"),
    [("", "nothing in it"), ("x" * 5001, "5\u202f001 characters"), ("\u200b", "nothing")],
)
def test_a_comment_of_a_wrong_length_comes_back_with_words(ann, text, says):
    answer = ann.comments(text)
    assert answer.status_code == 422
    if text != "\u200b":
        assert says in answer.text
    assert text[:50] in answer.text


def test_the_same_words_twice_are_refused_and_kept(ann):
    ann.comments("Milk first.")
    answer = ann.comments("MILK, first!")
    assert answer.status_code == 422
    assert "same words" in answer.text
    assert "MILK, first!" in answer.text


def test_too_many_in_a_minute_must_wait(ann, clock):
    for number in range(5):
        ann.comments(f"Comment number {number}")
    answer = ann.comments("One more.")
    assert answer.status_code == 429
    assert "wait" in answer.text
    assert "One more." in answer.text

    clock.turn(seconds=61)
    assert ann.comments("One more.").status_code == 200


def test_a_closed_thread_takes_no_comments_and_stays_readable(site, ann, work):
    ann.comments("Milk first.")
    work()
    admin = site.person("Ada", Role.ADMIN)
    admin.sends("/admin/articles/1", action="close")

    answer = ann.comments("Too late?")

    assert answer.status_code == 409
    assert "closed" in answer.text
    assert "Too late?" in answer.text
    assert ann.sees("Milk first.")
    admin.sends("/admin/articles/1", action="reopen")
    assert ann.comments("Too late?").status_code == 200


def test_a_stranger_is_asked_to_sign_in_and_the_text_is_kept(stranger):
    answer = stranger.comments("Milk first.")
    assert answer.status_code == 401
    assert "Milk first." in answer.text


@pytest.mark.site(guests=True)
def test_guests_comment_under_a_name_where_the_site_lets_them(site, stranger, bob, work):
    stranger.comments("Milk first.", name="Passer-by")
    assert stranger.sees("Milk first."), "a guest is remembered and sees it waiting"
    work()
    assert bob.sees("Passer-by")
    assert "guest" in bob.reads().lower()


@pytest.mark.site(guests=True)
def test_a_guest_cannot_take_the_name_of_an_account_nor_one_that_looks_like_it(site, stranger):
    site.person("Admin", Role.ADMIN)
    for name in ("admin", "\u0430dmin", "ADM1N", "\u0410\u0501min"):
        assert stranger.comments("Milk first.", name=name).status_code == 422, name


def test_pages_of_fifty_follow_each_other_and_leave_nothing_out(site, database, ann, stranger):
    from forum import accounts, comments
    from forum.settings import read_settings
    from moderation import decisions
    from moderation.decisions import Kind
    from moderation.policy import Status

    many = read_settings(_env_file=None, comments_a_minute=1000)
    with database.writing() as session:
        author = accounts.get(session, ann.account_id)
        for number in range(120):
            draft = comments.draft(f"Word-{number:03}.", settings=many)
            comment = comments.post(
                session, "the-town-that-argues-about-tea", draft, author=author, settings=many
            )
            decisions.decide(session, comment.case_id, Kind.VERDICT, Status.PUBLISHED, version=1)
    site.state.live.look()
    for order in ("oldest", "newest"):
        address, seen = f"/threads/the-town-that-argues-about-tea?order={order}", []
        for _ in range(3):
            page = stranger.opens(address).text
            seen += re.findall(r"Word-\d{3}", words(page))
            following = re.search(
                r'href="([^"]*after=\d+[^"]*)"[^>]*rel="next"', page
            ) or re.search(r'rel="next"[^>]*href="([^"]*after=\d+[^"]*)"', page)
            if following:
                address = following[1].replace("&amp;", "&")
                if address.startswith("?"):
                    address = "/threads/the-town-that-argues-about-tea" + address
        expected = [f"Word-{n:03}" for n in range(120)]
        assert seen == (expected if order == "oldest" else expected[::-1])
        assert not following


def test_a_permalink_leads_to_the_comment_in_its_thread(ann, bob, work):
    ann.comments("Milk first.")
    work()
    bob.replies("Tea first.", to="Milk first.")
    work()
    number = bob.id_of("Tea first.")

    answer = ann.opens(f"/comments/{number}")

    assert answer.url.fragment == f"comment-{number}"
    assert "Tea first." in words(answer.text)


def test_an_unpublished_comment_has_no_address_for_others(ann, bob, work):
    ann.comments(INSULT)
    work()
    number = ann.id_of(INSULT)
    for path in (f"/comments/{number}", f"/comments/{number}/part", f"/comments/{number}/reply"):
        answer = bob.opens(path)
        assert answer.status_code == 404
        assert INSULT not in answer.text


def test_the_front_page_shows_threads_by_section_with_counts(site, ann, stranger, work):
    site.load(ArticleText("far.txt", "Far away", "World / Africa", "Body.", None))
    ann.comments("Milk first.")
    work()

    front = stranger.reads("/")
    assert TEA.title in front
    assert "Far away" in front
    life = stranger.reads("/sections/life")
    assert TEA.title in life
    assert "Far away" not in life
    assert stranger.opens("/sections/none").status_code == 404


def test_loading_an_article_again_keeps_its_comments(site, ann, stranger, work):
    from dataclasses import replace

    ann.comments("Milk first.")
    work()
    site.load(replace(TEA, body="A corrected body."))
    site.state.live.look()

    assert stranger.sees("A corrected body.")
    assert stranger.sees("Milk first.")


def test_the_api_posts_and_reads_like_the_pages(ann, stranger, work):
    token = stranger.client.post(
        "/api/sessions", json={"name": "Ann", "password": "correct horse battery"}
    ).json()["token"]
    path = "/api/threads/the-town-that-argues-about-tea/comments"

    posted = stranger.client.post(
        path, json={"text": "Milk first."}, headers={"authorization": f"Bearer {token}"}
    )
    assert posted.status_code == 202
    assert stranger.opens(path).json()["comments"] == []
    work()

    (comment,) = stranger.opens(path).json()["comments"]
    assert (comment["author"], comment["text"]) == ("Ann", "Milk first.")
    assert comment["id"] == posted.json()["id"]


@pytest.mark.site(guests=True)
def test_one_network_cannot_make_guests_without_end(site):
    answers = [
        site.person(role=None).comments(f"Milk number {n}.", name=f"Passer {n}").status_code
        for n in range(21)
    ]
    assert answers == [200] * 20 + [429]


@pytest.mark.site(time_zone="Asia/Kathmandu")
def test_times_are_those_of_the_newsroom(stranger):
    page = stranger.opens("/threads/the-town-that-argues-about-tea").text
    assert "22 November 2026, 17:45 +0545" in page, "noon in UTC"


def test_the_place_of_an_edited_comment_says_that_it_is_being_checked(
    ann, bob, stranger, moderator, work
):
    ann.comments("Milk first.")
    work()
    bob.replies("Tea first.", to="Milk first.")
    work()

    ann.sends(f"/comments/{ann.id_of('Milk first.')}/edit", text=INSULT)

    for _checked_by in ("the classifier", "a moderator"):
        assert "A comment here is being checked." in stranger.reads()
        assert "removed" not in stranger.reads()
        work()
    moderator.rejects(INSULT)
    assert "A comment was removed here." in stranger.reads()


def test_an_edited_comment_can_be_reported_again(ann, bob, moderator, work):
    ann.comments("Milk first.")
    work()
    number = ann.id_of("Milk first.")
    bob.sends(f"/comments/{number}/report", reason="spam")
    moderator.approves("Milk first.", show="reported")
    ann.sends(f"/comments/{number}/edit", text="Milk first, and buy mine.")
    work()

    again = bob.sends(f"/comments/{number}/report", reason="other", words="Now it advertises.")

    assert again.status_code == 200
    assert "Now it advertises." in moderator.case_of("buy mine", show="reported").text
    assert bob.sends(f"/comments/{number}/report", reason="spam").status_code == 422


def test_too_many_edits_in_a_minute_must_wait(ann):
    ann.comments("Milk first.")
    number = ann.id_of("Milk first.")
    for times in range(5):
        answer = ann.sends(f"/comments/{number}/edit", text=f"Milk first, {times} times.")
        assert answer.status_code == 200

    answer = ann.sends(f"/comments/{number}/edit", text="Tea first.")

    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0
    assert "Tea first." in answer.text, "what was typed is not lost"
    assert ann.cannot_see("Tea first.")


def test_too_many_reports_in_a_minute_must_wait(ann, bob, clock, work):
    for number in range(6):
        clock.turn(minutes=1)
        ann.comments(f"Comment number {number}")
    work()
    answers = [
        bob.sends(f"/comments/{bob.id_of(f'Comment number {n}')}/report", reason="spam")
        for n in range(6)
    ]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert "wait" in answers[-1].text


@pytest.mark.parametrize("length", [1, 600])
def test_a_short_and_a_long_text_are_rendered_alike(ann, length):
    ann.comments("**Milk** " + "and tea " * length)
    page = ann.opens("/threads/the-town-that-argues-about-tea").text
    assert "<strong>Milk</strong> and tea" in page
