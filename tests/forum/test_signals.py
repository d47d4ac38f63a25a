"""What the site notices of a comment besides its scores, whatever the policy makes of it."""

import pytest

from forum.accounts import Role
from forum.tables import Comment
from moderation import policies
from moderation.policy import DEFAULT, Means, Policy, Status
from moderation.rescoring import Rescoring
from moderation.tables import Decision, Score

LOVELY = "What a lovely article about tea, thank you very much."


@pytest.fixture
def reader(site):
    return site.person("Ada")


@pytest.fixture
def seen(site, work):
    """Let the worker judge; returns the signals kept with the comment that has these words."""

    def signals_of(text):
        work()
        with site.database.reading() as session:
            score = (
                session.query(Score)
                .join(Comment, Comment.case_id == Score.case_id)
                .filter(Comment.source.contains(text))
                .order_by(Score.case_id.desc(), Score.revision.desc())
                .first()
            )
            return score.signals.split()

    return signals_of


def holds(site, *codes):
    """Let the policy hold for these signals."""
    with site.database.writing() as session:
        current = policies.in_force(session)
        means = dict.fromkeys(codes, Means.HOLD)
        policies.adopt(
            session, Policy(DEFAULT.thresholds, signals=means), author=None, based_on=current.id
        )


def test_an_authors_first_comments_are_noticed_until_one_is_published(reader, seen, clock):
    reader.comments(LOVELY)
    assert seen("lovely") == ["first_comment"]

    clock.turn(minutes=5)
    reader.comments("And the milk goes in first, says my aunt.")
    assert seen("aunt") == []


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("See https://tea.example/milk for more of this.", True),
        ("See [the page](https://tea.example/milk) for more.", True),
        ("My aunt reads the paper, not the web.", False),
    ],
)
def test_a_link_is_noticed_also_behind_words(reader, seen, text, links):
    reader.comments(text)

    assert ("link" in seen(text[:6])) is links


def test_the_same_words_by_anybody_are_noticed_for_a_week(site, reader, seen, clock):
    reader.comments(LOVELY)
    assert "repeated" not in seen("lovely")

    clock.turn(days=6)
    site.person("Bea").comments(LOVELY.upper())
    assert "repeated" in seen("LOVELY")

    clock.turn(days=8)
    site.person("Cem").comments(LOVELY.replace(",", "!"))
    assert "repeated" not in seen("tea! thank")


def test_a_word_of_agreement_is_no_repetition(site, reader, seen):
    reader.comments("I agree with that!")
    site.person("Bea").comments("I agree with that.")

    assert "repeated" not in seen("that.")


def test_a_text_that_its_author_deleted_may_be_said_again(reader, seen):
    reader.comments(LOVELY)
    reader.sends(f"/comments/{reader.id_of('lovely')}/delete")

    reader.comments(LOVELY)

    assert "repeated" not in seen("lovely")


def test_a_third_comment_within_a_minute_is_too_fast(reader, seen, clock):
    for text in ("The first one here.", "The second one here."):
        reader.comments(text)
        clock.turn(seconds=20)
        assert "too_fast" not in seen(text)

    reader.comments("The third one here.")
    assert "too_fast" in seen("third")

    clock.turn(seconds=45)
    reader.comments("The fourth one here.")
    assert "too_fast" not in seen("fourth")


def test_every_signal_is_told_to_the_moderator_and_none_hides_another(site, reader, work):
    holds(site, "link", "first_comment")
    reader.comments("You idiot, read https://tea.example about milk.")
    work()

    case = site.person("Mo", Role.MODERATOR).case_of("You idiot")

    assert "Insult" in case.text and "hold threshold" in case.text
    assert "It links to another place." in case.text
    assert "Its author has no published comment yet." in case.text


def test_what_means_nothing_to_the_policy_is_told_apart(site, reader, work):
    reader.comments("You idiot, read https://tea.example about milk.")
    work()

    case = site.person("Mo", Role.MODERATOR).case_of("You idiot")

    assert "Noticed, and counted for nothing: Link, First-time author." in case.text


def test_a_comment_with_a_signal_alone_is_held_when_the_policy_says_so(site, reader, work):
    holds(site, "link")
    reader.comments("I found https://tea.example very helpful, thank you.")
    work()

    with site.database.reading() as session:
        decision = session.query(Decision).one()
    assert decision.to_status == Status.HELD
    assert [found["code"] for found in decision.findings] == ["link"]


def test_another_classifier_judges_by_what_was_noticed_then(site, reader, seen, classifier, clock):
    reader.comments("See https://tea.example/milk for more of this.")
    before = seen("See")
    with site.database.writing() as session:
        from moderation import lineup

        other = lineup.row_of(session, "other", "1")

    Rescoring(site.database.writing, lambda _, __: {}).round(classifier, other, at_most=10)

    with site.database.reading() as session:
        assert session.query(Score).filter_by(classifier_id=other).one().signals.split() == before


def test_the_policy_page_says_what_each_signal_means(site):
    admin = site.person("Root", Role.ADMIN)

    page = admin.reads("/admin/policy")

    for words in ("Repeated text", "First-time author", "Too fast", "Link"):
        assert words in page


def test_an_admin_sees_beforehand_what_a_signal_would_hold(site, reader, work):
    reader.comments("I found https://tea.example very helpful, thank you.")
    work()
    admin = site.person("Root", Role.ADMIN)
    fields = {f"hold_{name}": limits.hold for name, limits in DEFAULT.thresholds.items()}
    fields |= {"mode": "publish_unless_held", "based_on": 1}

    answer = admin.sends("/admin/policy", **fields, signal_link="hold", action="preview")

    assert "Of the last 1 comments, <strong>1</strong> would have gone another way." in answer.text


def test_a_meaning_that_there_is_not_is_refused(site):
    admin = site.person("Root", Role.ADMIN)

    answer = admin.sends(
        "/admin/policy", based_on=1, mode="publish_unless_held", hold_insult="0.5", signal_link="x"
    )

    assert answer.status_code == 422
    assert "Please choose what “Link” means." in answer.text


def test_a_known_author_skips_a_check_until_a_good_comment_is_removed(site, reader, work):
    moderator = site.person("Mo", Role.MODERATOR)
    reader.comments(LOVELY)
    work()
    with site.database.writing() as session:
        policy = Policy(DEFAULT.thresholds, signals={"link": Means.HOLD}, trust={"link": 1})
        policies.adopt(session, policy, author=None, based_on=policies.in_force(session).id)

    reader.comments("I found https://tea.example very helpful, thank you.")
    work()
    case = moderator.case_of("very helpful", show="published")
    assert "Skipped, since its author has 1 good comment: It links" in case.text

    moderator.rejects("lovely", show="published")
    moderator.rejects("very helpful", show="published")
    reader.comments("Also https://milk.example was helpful to me.")
    work()
    assert "Skipped" not in moderator.case_of("milk.example").text


def test_an_admin_sets_from_how_many_good_comments_a_check_is_skipped(site, reader, work):
    for text in (LOVELY, "I found https://tea.example very helpful, thank you."):
        reader.comments(text)
        work()
    admin = site.person("Root", Role.ADMIN)
    fields = {f"hold_{name}": limits.hold for name, limits in DEFAULT.thresholds.items()}
    fields |= {"mode": "publish_unless_held", "based_on": 1, "signal_link": "hold"}

    def changed(**more):
        answer = admin.sends("/admin/policy", **fields, **more)
        return "would have gone another way" in answer.text and "None of" not in answer.text

    assert changed(action="preview")
    assert not changed(action="preview", trust_link="1")
    assert admin.sends("/admin/policy", **fields, trust_link="0").status_code == 422
    admin.sends("/admin/policy", **fields, trust_link="1")
    assert "skipped from 1 good comment on" in admin.reads("/admin/policy/2")
