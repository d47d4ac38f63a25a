"""Listed words are found whole, in every script and disguise, and in time that does not grow."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from moderation import acts, cases, policies, rules, wordlist
from moderation.acts import Did
from moderation.policy import DEFAULT, Means, Policy, Signal, Status, Threshold, judge
from moderation.tables import Case, Decision, Score
from moderation.wordlist import Entry, Matcher, Unusable, as_compared
from moderation.worker import Worker

TEA = "What a lovely cup of tea."


def matcher(*entries):
    return Matcher(
        Entry(number, entry, as_compared(entry), Means.HOLD) for number, entry in enumerate(entries)
    )


@pytest.mark.parametrize(
    ("entry", "text", "found"),
    [
        ("tea", "A cup of TEA, please.", "TEA"),
        ("tea", "A teapot and a steak.", None),
        ("cup of tea", "My cup\nof   tea!", "cup\nof   tea"),
        ("cup of tea", "A cup of cold tea.", None),
        ("don't", "Don’t do that.", "Don’t"),
        ("idiot", "you 1d10t", "1d10t"),
        ("idiot", "you i d i o t there", "i d i o t"),
        ("idiot", "you іdіоt there", "іdіоt"),
        ("kuchen", "Ein Kuchenblech.", None),
        ("straße", "DIE STRASSE", "STRASSE"),
        ("schwül", "Das ist schwul.", None),
        ("كلب", "يا كلب!", "كلب"),
        ("كلب", "يا كَلْبْ!", "كَلْبْ"),
        ("كلب", "الكلب", None),
        ("собака", "Это Собака.", "Собака"),
        ("हिन्दी", "यह हिन्दी है", "हिन्दी"),
        ("हि", "यह हिन्दी है", None),
        ("笨蛋", "你是笨蛋吗", "笨蛋"),
        ("snake case", "snake_case", "snake_case"),
    ],
)
def test_an_entry_is_found_as_whole_words(entry, text, found):
    hits = matcher("an entry that is not there", entry).hits(text)

    assert [text[hit.start : hit.end] for hit in hits] == ([found] if found else [])


def test_every_entry_of_a_text_is_found_also_within_a_longer_one():
    hits = matcher("tea", "cup of tea", "cup").hits(TEA)

    assert {hit.entry.text for hit in hits} == {"tea", "cup of tea", "cup"}


@pytest.mark.parametrize("entry", ["", "x", "!!", "🤡", "a 🤡", "w" * 101, "a " * 21])
def test_an_entry_that_is_no_word_is_refused(entry):
    with pytest.raises(Unusable):
        as_compared(entry)


def test_a_word_to_reject_rejects_unless_the_policy_says_otherwise():
    harmless, signal = dict.fromkeys(DEFAULT.thresholds, 0.0), Signal("listed_reject", "It has it.")
    milder = Policy(DEFAULT.thresholds, signals={"listed_reject": Means.HOLD})

    assert judge(harmless, [signal], DEFAULT).status is Status.REJECTED
    assert judge(harmless, [signal], milder).status is Status.HELD


@pytest.fixture
def listed(database):
    def add(typed, means=Means.HOLD, note=""):
        with database.writing() as session:
            return wordlist.add(session, typed, means=means, note=note, by=7)

    return add


@pytest.fixture
def judged(database, classifier):
    """Returns what became of a text, and why."""
    worker = Worker(database.writing, classifier)

    def judge_it(text):
        with database.writing() as session:
            case_id = cases.open_case(session, text, author=1, context=1)
        worker.round()
        with database.reading() as session:
            decision = session.query(Decision).filter_by(case_id=case_id).one()
            codes = session.query(Score).filter_by(case_id=case_id).one().signals
            return Status(decision.to_status), [f["words"] for f in decision.findings], codes

    return judge_it


def test_listed_words_count_from_the_next_comment_on(listed, judged):
    assert judged(TEA)[0] is Status.PUBLISHED

    listed("tea")
    assert judged(TEA) == (
        Status.HELD,
        ["It has “tea”, on the list of words to hold."],
        "listed_hold",
    )

    listed("cup of\nlovely cup", Means.REJECT)
    status, words, codes = judged(TEA)
    assert status is Status.REJECTED
    assert words == [
        "It has “tea”, on the list of words to hold.",
        "It has “lovely cup”, “cup of”, on the list of words to reject.",
    ]
    assert codes == "listed_hold listed_reject"


def test_a_word_taken_off_the_list_counts_no_more(database, listed, judged):
    listed("tea\ncoffee")
    with database.writing() as session:
        (_, tea) = wordlist.entries(session)
        wordlist.remove(session, tea.id, by=7)

    assert judged(TEA)[0] is Status.PUBLISHED
    assert judged("What a lovely cup of coffee.")[0] is Status.HELD


def test_an_entry_is_listed_once_and_moves_when_it_is_listed_otherwise(database, listed):
    assert listed("Tea\n tea \nTEA") == 1
    assert listed("tea") == 0
    assert listed("tea", Means.REJECT, "said the editor") == 1

    with database.reading() as session:
        assert wordlist.counts(session) == {Means.HOLD: 0, Means.REJECT: 1}
        (entry,) = wordlist.entries(session)
        assert (entry.means, entry.note) == ("reject", "said the editor")


def test_every_change_of_the_list_is_in_the_log_which_nobody_can_change(database, listed):
    listed("tea\ncoffee")
    with database.writing() as session:
        wordlist.remove(session, wordlist.entries(session, looking_for="tea")[0].id, by=8)

    with database.reading() as session:
        lines = [(line.did, line.actor, line.words) for line in acts.listed(session)]
    assert lines == [
        (Did.UNLISTED, 8, "To hold: tea"),
        (Did.LISTED, 7, "To hold: tea, coffee"),
    ]
    with pytest.raises(DatabaseError, match="append-only"), database.writing() as session:
        session.execute(text("UPDATE acts SET words = ''"))


def test_a_trial_looks_at_the_last_thirty_days_some_comments_at_a_time(
    database, clock, monkeypatch
):
    monkeypatch.setattr(wordlist, "A_LOOK", 3)

    def says(text):
        with database.writing() as session:
            cases.open_case(session, text, author=1, context=1)

    says("Tea long ago.")
    clock.turn(days=31)
    for text_ in ("Tea first.", "Milk first.", "Water first.", "No t-e-a for me, thank you."):
        says(text_)

    trying = wordlist.typed_matcher("tea")
    with database.reading() as session:
        first = wordlist.tried(session, trying)
        second = wordlist.tried(session, trying, before=first.next)
    assert (first.looked_at, second.looked_at, second.next) == (3, 1, None)
    (late,), (early,) = first.caught, second.caught
    assert late.pieces == [("No ", False), ("t-e-a", True), (" for me, thank you.", False)]
    assert early.pieces == [("Tea", True), (" first.", False)]


def test_the_policy_in_force_may_let_a_listed_word_count_for_nothing(database, listed, judged):
    listed("tea")
    with database.writing() as session:
        policy = Policy(DEFAULT.thresholds, signals={"listed_hold": Means.NOTHING})
        policies.adopt(session, policy, author=None, based_on=policies.in_force(session).id)

    assert judged(TEA) == (Status.PUBLISHED, [], "listed_hold")


def ground_of(database, text):
    """The reason and the number of the rule that the last decision on a text names."""
    with database.reading() as session:
        line = (
            session.query(Decision)
            .join(Case, Case.id == Decision.case_id)
            .filter(Case.text == text)
            .order_by(Decision.id.desc())
            .first()
        )
        return line.reason, line.rule and line.rule["number"]


def test_a_rejection_names_the_reason_that_the_word_was_listed_with(database, judged):
    with database.writing() as session:
        wordlist.add(session, "tea", means=Means.REJECT, note="", by=7, reason="spam")
        wordlist.add(session, "coffee", means=Means.REJECT, note="", by=7)

    judged(TEA)
    judged("What a lovely cup of coffee.")

    assert ground_of(database, TEA) == ("spam", 6)
    assert ground_of(database, "What a lovely cup of coffee.") == ("other", 8)


def test_an_entry_names_another_reason_from_the_next_comment_on(database, judged):
    with database.writing() as session:
        wordlist.add(session, "tea", means=Means.REJECT, note="Ask Bea", by=7, reason="spam")
    judged(TEA)
    with database.writing() as session:
        (entry,) = wordlist.entries(session)
        assert wordlist.name_reason(session, entry.id, "private", by=7)
        assert not wordlist.name_reason(session, wordlist.entries(session)[0].id, "private", by=7)

    judged(TEA + " Indeed.")

    assert ground_of(database, TEA + " Indeed.") == ("private", 7)
    with database.reading() as session:
        assert wordlist.entries(session)[0].note == "Ask Bea"
        assert acts.listed(session)[0].words == "To reject as Private details: tea"


def test_a_reason_that_nobody_can_choose_is_refused(database):
    with database.writing() as session, pytest.raises(wordlist.NoSuchReason):
        wordlist.add(session, "tea", means=Means.REJECT, note="", by=7, reason="no such")
    with database.writing() as session:
        wordlist.add(session, "tea", means=Means.HOLD, note="", by=7, reason="spam")
        (entry,) = wordlist.entries(session)
        assert entry.reason == ""
        with pytest.raises(wordlist.NoSuchReason):
            wordlist.name_reason(session, entry.id, "spam", by=7)


def test_a_word_that_only_holds_lets_the_score_name_the_reason():
    over = Policy(
        {"insult": Threshold(reject=0.5)}, signals={"listed_reject": Means.HOLD}, trust={}
    )
    listed = Signal("listed_reject", "It has it.", reason="spam")
    verdict = judge({"insult": 0.9}, [listed], over)
    assert rules.DEFAULT.reason_of(verdict.findings).code == "harassment"

    verdict = judge({"insult": 0.9}, [listed], Policy({"insult": Threshold(reject=0.5)}))
    assert rules.DEFAULT.reason_of(verdict.findings).code == "spam"
