"""What moderators may do about an author, what the author is told, and how it ends."""

import re

import pytest

from forum.accounts import Role
from forum.tables import Sanction

TEA = "What a lovely cup of tea."
THREAD = "/threads/the-town-that-argues-about-tea"


@pytest.fixture
def reader(site):
    return site.person("Ada")


@pytest.fixture
def moderator(site):
    return site.person("Mo", Role.MODERATOR)


@pytest.fixture
def admin(site):
    return site.person("Root", Role.ADMIN)


def gives(who, to, kind, words="Be kind, please.", **fields):
    return who.sends(f"/review/authors/{to.account_id}", kind=kind, words=words, **fields)


def lifts(who, to, words=""):
    with who.site.database.reading() as session:
        newest = session.query(Sanction).order_by(Sanction.id.desc()).first().id
    return who.sends(f"/review/sanctions/{newest}/lift", account=to.account_id, words=words)


def test_a_warning_is_read_before_the_next_comment_which_is_kept_meanwhile(reader, moderator):
    gives(moderator, reader, "warning")
    assert "A moderator has warned you." in reader.reads("/")

    refused = reader.comments(TEA)

    assert refused.status_code == 403
    assert "Be kind, please." in refused.text and TEA in refused.text
    assert 'name="read" value="1"' in refused.text
    assert reader.cannot_see(TEA)

    reader.comments(TEA, read=1)

    assert reader.sees(TEA)
    assert "warned you" not in reader.reads("/")
    assert "Ada read a warning" in moderator.reads("/review/acts")


def test_a_warning_can_be_read_on_its_own_page(reader, moderator):
    gives(moderator, reader, "warning")
    assert "Be kind, please." in reader.reads("/account/standing")

    reader.sends("/account/standing/1")

    assert reader.comments(TEA).status_code == 200
    assert reader.sees(TEA)


def test_a_warning_is_read_by_nobody_else(site, reader, moderator):
    gives(moderator, reader, "warning")

    assert site.person("Bea").sends("/account/standing/1").status_code == 404
    assert reader.comments(TEA).status_code == 403


def test_under_pre_moderation_every_comment_is_held(reader, moderator, work):
    reader.comments("One cup of tea, thank you.")
    work()
    gives(moderator, reader, "pre_moderation", days=7)
    assert "wait for a moderator" in reader.reads()

    reader.comments(TEA)
    work()

    assert "Its author is under pre-moderation." in moderator.case_of(TEA).text


def test_who_is_muted_is_told_why_and_until_when_and_keeps_the_text(reader, moderator, clock):
    gives(moderator, reader, "mute", days=3)

    refused = reader.comments(TEA)

    assert refused.status_code == 403
    assert "You cannot comment until 25 November 2026, 12:00 UTC." in refused.text
    assert "Be kind, please." in refused.text and TEA in refused.text
    assert "Mute until 25 November" in reader.reads("/account/standing")

    clock.turn(days=3, minutes=1)
    assert "You cannot comment" not in reader.reads("/")
    reader.comments(TEA)
    assert reader.sees(TEA)


def test_who_is_muted_may_report_but_not_edit_and_who_is_suspended_neither(
    site, reader, moderator, admin, work
):
    site.person("Bea").comments(TEA)
    reader.comments("My own cup of tea.")
    work()
    own, other = reader.id_of("My own"), reader.id_of(TEA)

    gives(moderator, reader, "mute", days=1)
    edited = reader.sends(f"/comments/{own}/edit", text="My own pot of tea.")
    assert edited.status_code == 403
    assert "My own pot of tea." in edited.text
    gives(admin, reader, "suspension", days=1)
    assert reader.sends(f"/comments/{other}/report", reason="spam").status_code == 403

    lifts(admin, reader)
    assert reader.sends(f"/comments/{other}/report", reason="spam").status_code == 200


def test_a_ban_ends_the_session_at_once_and_says_why_until_when(reader, admin, clock):
    assert reader.opens("/account").status_code == 200
    gives(admin, reader, "ban", days=30)

    assert "This account is banned." in reader.reads("/")
    assert "This account is banned." in reader.reads(THREAD)
    assert "Be kind, please." in reader.reads("/account/standing")
    assert "Sign in" in reader.reads("/account")
    refused = reader.comments(TEA)
    assert refused.status_code == 403
    assert "banned until 22 December 2026" in refused.text and TEA in refused.text

    from tests.people import PASSWORD

    again = reader.sends("/sign-in", name="Ada", password=PASSWORD)
    assert again.status_code == 403
    assert "banned until 22 December 2026" in again.text

    clock.turn(days=29)
    assert "This account is banned." in reader.reads("/")


def test_a_ban_that_is_lifted_lets_the_author_back_in(reader, admin):
    gives(admin, reader, "ban")
    assert "until this is lifted" in reader.comments(TEA).text

    lifts(admin, reader, "Wrong person, sorry.")

    assert reader.opens("/account").status_code == 200
    assert "Wrong person, sorry." in reader.reads("/account/standing")
    reader.comments(TEA)
    assert reader.sees(TEA)


@pytest.mark.site(guests=True)
def test_a_guest_is_told_as_well(site, admin):
    guest = site.person(role=None)
    guest.comments(TEA, name="Passer-by")
    assert guest.sees(TEA)
    guest.account_id = 2

    gives(admin, guest, "mute", days=1)
    assert guest.comments("More tea, please.").status_code == 403
    gives(admin, guest, "ban", days=1)

    refused = guest.comments("More tea, please.", name="Another name")
    assert refused.status_code == 403
    assert "This account is banned until" in refused.text and "More tea" in refused.text


def test_others_see_nothing_of_it(site, reader, admin):
    gives(admin, reader, "suspension", words="Only for Ada.")
    reader.opens(THREAD)

    for other in (site.person("Bea"), site.person(role=None)):
        assert "suspended" not in other.reads(THREAD)
        assert "Only for Ada." not in other.reads("/account/standing")


@pytest.mark.parametrize("kind", ["suspension", "ban"])
def test_moderators_neither_suspend_nor_ban(reader, moderator, kind):
    assert gives(moderator, reader, kind).status_code == 403
    assert reader.comments(TEA).status_code == 200


def test_nobody_sanctions_their_equals_or_themselves(site, moderator, admin):
    assert gives(moderator, site.person("Max", Role.MODERATOR), "mute").status_code == 403
    assert gives(moderator, admin, "mute").status_code == 403
    assert gives(moderator, moderator, "warning").status_code == 403
    assert gives(admin, moderator, "mute").status_code == 200


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"kind": "flogging"}, "choose a sanction"),
        ({"kind": "mute", "words": " "}, "say why"),
        ({"kind": "mute", "words": "w" * 501}, "within 500 characters"),
        ({"kind": "mute", "days": "0"}, "1 to 3650 days"),
        ({"kind": "mute", "days": "soon"}, "whole number"),
    ],
)
def test_what_cannot_be_given_comes_back_with_what_was_typed(reader, moderator, fields, words):
    answer = gives(moderator, reader, **{"words": "Be kind.", **fields})

    assert answer.status_code == 422
    assert words in answer.text
    assert reader.comments(TEA).status_code == 200


def test_a_sanction_is_lifted_once(reader, moderator):
    gives(moderator, reader, "mute")
    assert lifts(moderator, reader).status_code == 200

    assert lifts(moderator, reader).status_code == 409


def test_a_moderator_does_not_lift_what_an_admin_gave(reader, moderator, admin):
    gives(admin, reader, "ban")

    assert lifts(moderator, reader).status_code == 403
    assert "This account is banned." in reader.reads("/")


def test_every_sanction_and_its_lifting_is_in_the_log(reader, moderator):
    gives(moderator, reader, "mute", days=3)
    lifts(moderator, reader, "Enough.")

    log = moderator.reads("/review/acts")

    assert "Mo muted Ada Until 25 November 2026, 12:00 UTC: Be kind, please." in log
    assert "Mo lifted a sanction on Ada Mute: Enough." in log


def test_the_page_of_an_author_shows_record_and_comments(reader, moderator, work):
    reader.comments(TEA)
    reader.comments("You idiot, you stupid idiot.")
    work()
    moderator.rejects("You idiot")
    gives(moderator, reader, "warning", case=2)

    page = moderator.reads(f"/review/authors/{reader.account_id}")

    assert "1 published, 0 held, 1 rejected." in page
    assert "Rejected: 1 × harassment" in page
    assert TEA in page and "You idiot" in page
    assert "not read yet: Be kind, please. by Mo" in page


def test_a_program_is_told_in_its_own_terms(reader, moderator):
    gives(moderator, reader, "mute", days=3)

    answer = reader.client.post(
        "/api/threads/the-town-that-argues-about-tea/comments",
        json={"text": TEA},
        headers={"authorization": f"Bearer {reader.token}"},
    )

    assert answer.status_code == 403
    assert answer.json()["code"] == "restricted"
    assert "until 25 November 2026" in answer.json()["detail"]


def test_a_case_shows_its_authors_record_and_what_else_they_wrote(reader, moderator, work):
    reader.comments(TEA)
    reader.comments("You idiot, you stupid idiot.")
    work()
    gives(moderator, reader, "pre_moderation", days=7)

    page = moderator.reads("/review/cases/2")

    assert "1 published, 1 held, 0 rejected." in page
    assert "Pre-moderation until 29 November" in page
    assert TEA in page


def test_a_note_on_a_case_is_for_colleagues_alone(site, reader, moderator, work):
    reader.comments("You idiot, you stupid idiot.")
    work()

    moderator.sends("/review/cases/1/notes", note="I know her, she is <b>new</b>.")

    colleague = site.person("Max", Role.MODERATOR)
    assert "I know her, she is <b>new</b>. Mo" in colleague.reads("/review/cases/1")
    assert "I know her" not in reader.reads() + reader.reads("/account")


@pytest.mark.parametrize(("note", "words"), [(" ", "nothing in the note"), ("n" * 1001, "within")])
def test_a_note_that_cannot_be_kept_is_refused(reader, moderator, work, note, words):
    reader.comments("You idiot, you stupid idiot.")
    work()

    answer = moderator.sends("/review/cases/1/notes", note=note)

    assert answer.status_code == 422
    assert words in answer.text and note in answer.text


def test_there_is_no_note_on_a_case_that_there_is_not(moderator):
    assert moderator.sends("/review/cases/99/notes", note="Who?").status_code == 404


@pytest.mark.parametrize(
    ("kind", "title"),
    [
        ("warning", "A moderator has warned you"),
        ("pre_moderation", "Your comments wait for a moderator"),
        ("mute", "You cannot comment for now"),
        ("suspension", "Your account is suspended"),
    ],
)
def test_whoever_is_sanctioned_finds_it_among_the_notices(reader, admin, kind, title):
    gives(admin, reader, kind, days=3)
    assert "Notices ! new" in reader.reads("/")

    notices = reader.reads("/notices")

    assert title in notices
    assert "The reason, in the moderator's words: Be kind, please." in notices
    assert ("This holds until 25 November 2026, 12:00 UTC." in notices) == (kind != "warning")
    assert "Root" not in notices
    assert "Notices ! new" not in reader.reads("/")


def test_a_notice_of_a_sanction_leads_to_where_it_stands(site, reader, moderator):
    gives(moderator, reader, "mute", days=3)

    assert "Your standing here" in reader.reads("/notices/1")
    assert "Notices ! new" not in reader.reads("/")
    assert reader.sends("/notices/1/appeal", words="Why?").status_code == 404
    assert site.person("Bea").opens("/notices/1").status_code == 404


def test_the_lifting_is_told_too(reader, moderator, clock):
    gives(moderator, reader, "mute", days=3)
    clock.turn(minutes=2)
    lifts(moderator, reader, "Enough.")

    notices = reader.reads("/notices")

    assert "The mute is lifted" in notices
    assert "In the moderator's words: Enough." in notices


def test_nobody_hears_of_a_sanction_that_is_lifted_at_once(reader, moderator):
    gives(moderator, reader, "mute", days=3)
    lifts(moderator, reader)

    assert "There is nothing to tell you." in reader.reads("/notices")


def test_a_warning_that_is_ticked_needs_no_notice_any_more(reader, moderator):
    gives(moderator, reader, "warning")
    assert reader.sends("/account/standing/1").status_code == 200

    assert "Notices ! new" not in reader.reads("/")


def record_of(moderator, ann):
    """The sentences of an author's record."""
    page = moderator.reads(f"/review/authors/{ann.account_id}")
    return page[page.index("Reader, account") : page.index("Sanctions in force")]


def test_the_record_counts_the_rejection_that_stands_not_the_last_line(site, moderator, work):
    ann, max_ = site.person("Anna"), site.person("Maxi", Role.MODERATOR)
    ann.comments("You idiot, shut up.")
    work()
    moderator.rejects("You idiot", reason="harassment")
    notice = re.search(r'href="(/notices/\d+)"', ann.opens("/notices").text)[1]
    ann.sends(notice + "/appeal", words="It was a quotation.")
    answer = max_.rejects("You idiot", reason="spam", show="appeals")
    assert "Rejected: 1 × spam" in record_of(moderator, ann)

    max_.sends(re.search(r'action="(/review/decisions/\d+/undo)"', answer.text)[1])

    assert "1 rejected. Rejected: 1 × harassment" in record_of(moderator, ann)
    assert "You idiot" in max_.reads("/review", show="appeals")
    # The rejection that stands again is in force for its author, too.
    assert "Change it and send it again" in ann.reads(notice)

    max_.approves("You idiot", show="appeals")
    record = record_of(moderator, ann)
    assert "1 published, 0 held, 0 rejected." in record
    assert "Rejected:" not in record


def test_the_record_follows_what_the_author_writes_instead(site, moderator, work):
    ann = site.person("Anna")
    ann.comments("You idiot, shut up.")
    work()
    moderator.rejects("You idiot", reason="harassment")
    notice = re.search(r'href="(/notices/\d+)"', ann.opens("/notices").text)[1]
    ann.sends(notice + "/resubmit", text="I do not agree with you about tea.")
    work()
    assert "0 published, 1 held, 0 rejected." in record_of(moderator, ann)
    assert "Rejected:" not in record_of(moderator, ann)
    moderator.rejects("I do not agree", reason="off_topic")
    assert "1 rejected. Rejected: 1 × off topic" in record_of(moderator, ann)
