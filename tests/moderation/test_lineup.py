"""A policy is for one classifier: which one decides, what another one's scores are worth."""

import threading
from functools import partial

import pytest
from sqlalchemy import func, select

from moderation import cases, lineup, policies, rescoring, translation
from moderation.classifier import ScoringFailed
from moderation.policies import PolicyChanged
from moderation.policy import DEFAULT, Policy, Status, Threshold
from moderation.shadow import Shadow
from moderation.tables import Case, ClassifierVersion, Decision, Score
from moderation.translation import NothingToTranslateBy
from moderation.worker import Worker
from tests.people import ships


class Scale:
    """A classifier that reads its score in the text, on a scale of its own."""

    labels, scripts = ("toxicity", "insult"), ("Latin",)

    def __init__(self, name, power=1.0, swaps=()):
        self.name, self.version, self.power, self.swaps = name, "1", power, swaps
        self.broken = False
        self.seen = []

    def score(self, texts):
        self.seen.extend(texts)
        if self.broken or any("breaks" in text for text in texts):
            raise ScoringFailed("no")
        return [dict.fromkeys(self.labels, self._of(text)) for text in texts]

    def _of(self, text):
        value = float(text.split()[0])
        return (1 - value if text in self.swaps else value) ** self.power


OURS = Policy({"toxicity": Threshold(hold=0.8, reject=0.95)})
TEXTS = [f"{number / 100:.2f} of a comment" for number in range(100)]


@pytest.fixture
def old(database):
    """The classifier that decides, with a policy for it."""
    old = Scale("old")
    ships(database, old)
    with database.writing() as session:
        policies.adopt(session, OURS, author=1, based_on=policies.in_force(session).id)
    return old


@pytest.fixture
def new():
    return Scale("new", power=3.0)


def post(database, *texts):
    with database.writing() as session:
        return [cases.open_case(session, text, author=1, context=1) for text in texts]


def until_idle(worker):
    while worker.round():
        pass


def statuses(database):
    with database.reading() as session:
        return dict(session.execute(select(Case.text, Case.status)).all())


def misfit(database):
    with database.reading() as session:
        found = policies.misfit(session)
        return found and found.in_words()


# the policy and its classifier


def test_the_default_policy_is_for_the_classifier_that_ships(database, classifier):
    with database.reading() as session:
        version = policies.in_force(session)
        assert version.shipped
        assert version.classifier.title == f"{classifier.name} {classifier.version}"
    Worker(database.writing, classifier).round()
    assert misfit(database) is None


def test_a_default_that_nobody_touched_follows_the_classifier_that_ships(database, classifier):
    ships(database, Scale("older release"))

    with database.writing() as session:
        policies.start(session, classifier)
        policies.start(session, classifier)

    with database.reading() as session:
        first, second = reversed(policies.versions(session))
        assert first.classifier.name == "older release"
        assert second.classifier.title == f"{classifier.name} {classifier.version}"
        assert second.policy == DEFAULT
        assert second.based_on == first.id


def test_a_policy_that_an_admin_adopted_stays_as_it_is(database, old, classifier):
    with database.writing() as session:
        policies.start(session, classifier)

    with database.reading() as session:
        assert policies.in_force(session).policy == OURS
        assert policies.in_force(session).classifier.name == "old"


def test_scores_of_another_classifier_are_not_judged_by_it_and_everything_is_held(
    database, old, new
):
    post(database, "0.01 harmless", "0.99 toxic")

    Worker(database.writing, new).round()

    assert set(statuses(database).values()) == {Status.HELD}
    with database.reading() as session:
        for decision in session.scalars(select(Decision)):
            assert [one["code"] for one in decision.findings] == ["other_classifier"]
    assert "for old 1, and new 1 scores now" in misfit(database)


def test_a_policy_for_it_ends_that(database, old, new):
    worker = Worker(database.writing, new)
    worker.round()
    with database.writing() as session:
        policies.adopt(
            session,
            OURS,
            author=1,
            based_on=policies.in_force(session).id,
            classifier=lineup.deciding(session).id,
        )
    post(database, "0.01 harmless")

    worker.round()

    assert statuses(database) == {"0.01 harmless": Status.PUBLISHED}
    assert misfit(database) is None


def test_a_version_that_is_based_on_nothing_there_is_refused(database, old):
    with database.writing() as session, pytest.raises(PolicyChanged):
        policies.adopt(session, OURS, author=1, based_on=99)


# what another one judged


def test_a_new_classifier_reads_what_the_old_one_judged_and_changes_nothing(database, old, new):
    post(database, *TEXTS)
    until_idle(Worker(database.writing, old, at_once=100))
    before = statuses(database)

    until_idle(Worker(database.writing, new))

    assert statuses(database) == before
    with database.reading() as session:
        counts = dict(
            session.execute(
                select(ClassifierVersion.name, func.count())
                .join(Score, Score.classifier_id == ClassifierVersion.id)
                .group_by(ClassifierVersion.name)
            ).all()
        )
    assert counts == {"old": 100, "new": 100}


def test_a_text_that_breaks_it_is_passed_over(database, old, new):
    score = old.score
    old.score = lambda texts: score([text.replace("breaks", "is fine") for text in texts])
    post(database, "0.10 breaks", "0.20 fine")
    until_idle(Worker(database.writing, old))

    until_idle(Worker(database.writing, new))

    assert new.seen.count("0.10 breaks") == 2, "once with the other, once alone"


# translating


def both(database, old, new):
    post(database, *TEXTS)
    until_idle(Worker(database.writing, old, at_once=100))
    until_idle(Worker(database.writing, new))
    with database.reading() as session:
        rows = {one.name: one.id for one in session.scalars(select(ClassifierVersion))}
        return translation.pairs(session, rows["old"], rows["new"])


def test_each_threshold_keeps_its_share_of_comments(database, old, new):
    found = translation.translate(OURS, both(database, old, new))

    assert found.texts == 100
    assert [(one.kind, one.share, one.kept) for one in found.moved] == [
        ("hold", 0.2, 0.2),
        ("reject", 0.05, 0.05),
    ]
    limits = found.policy.thresholds["toxicity"]
    assert 0.79**3 < limits.hold <= 0.8**3
    assert 0.94**3 < limits.reject <= 0.95**3


def test_a_threshold_that_nothing_met_stays_above_every_score(database, old, new):
    found = translation.translate(
        Policy({"toxicity": Threshold(hold=0.995)}), both(database, old, new)
    )

    assert found.moved[0].share == found.moved[0].kept == 0
    assert 0.99**3 < found.policy.thresholds["toxicity"].hold < 1


def test_a_label_that_the_new_one_does_not_score_is_dropped_and_said_so(database, old, new):
    new.labels = ("insult",)

    found = translation.translate(OURS, both(database, old, new))

    assert [one.after for one in found.moved] == [None, None]
    assert found.policy.thresholds["toxicity"] == Threshold()


def test_too_few_comments_are_no_ground_for_translating(database, old, new):
    both(database, old, new)
    with database.reading() as session:
        few = translation.pairs(session, 1, 2, at_most=translation.LEAST - 1)
    with pytest.raises(NothingToTranslateBy, match="are needed"):
        translation.translate(OURS, few)


# the shadow


def test_a_shadow_scores_what_was_judged_and_decides_nothing(database, old, new):
    post(database, *TEXTS)
    until_idle(Worker(database.writing, old, at_once=100))
    before = statuses(database)
    shadow = Shadow(database.writing, new)

    until_idle(shadow)

    assert shadow.scored == 100
    assert statuses(database) == before
    assert misfit(database) is None
    with database.reading() as session:
        assert lineup.shadowing(session).name == "new"
        assert lineup.deciding(session).name == "old"
        assert rescoring.behind(session, lineup.shadowing(session).id) == 0


def test_a_shadow_waits_while_the_classifier_has_work(database, old, new):
    post(database, "0.10 judged")
    until_idle(Worker(database.writing, old))
    post(database, "0.20 waits")
    shadow = Shadow(database.writing, new)

    assert shadow.round() == 0
    assert new.seen == []

    until_idle(Worker(database.writing, old))
    assert shadow.round() == 2


def test_a_broken_shadow_does_not_touch_what_the_classifier_does(database, old, new):
    new.broken = True
    shadow = Shadow(database.writing, new, look_every=0.01)
    beside = threading.Thread(target=shadow.run)
    beside.start()
    post(database, *TEXTS)
    until_idle(Worker(database.writing, old))
    while shadow.failures < len(TEXTS):
        # Who looks without a pause keeps the interpreter from whom it waits for.
        beside.join(0.01)
        assert beside.is_alive()
    shadow.stop()
    beside.join()

    assert Status.PENDING not in statuses(database).values()
    assert shadow.scored == 0


def test_an_edited_text_is_read_again_by_the_shadow(database, old, new):
    (case_id,) = post(database, "0.10 first")
    worker, shadow = Worker(database.writing, old), Shadow(database.writing, new)
    until_idle(worker)
    until_idle(shadow)
    with database.writing() as session:
        cases.reopen(session, session.get_one(Case, case_id), "0.20 second")
    until_idle(worker)

    until_idle(shadow)

    assert new.seen == ["0.10 first", "0.20 second"]


def test_disagreements_are_the_texts_that_would_have_gone_another_way(database, old, new):
    new.swaps = ("0.02 of a comment", "0.98 of a comment")
    pairs = both(database, old, new)

    with database.reading() as session:
        rows = {one.name: one.id for one in session.scalars(select(ClassifierVersion))}
        apart = translation.disagreements(session, OURS, rows["old"], rows["new"])

    assert len(pairs) == apart.translation.texts == 100
    assert [(one.text, one.one.status, one.other.status) for one in apart.found] == [
        ("0.98 of a comment", Status.REJECTED, Status.PUBLISHED),
        ("0.02 of a comment", Status.PUBLISHED, Status.REJECTED),
    ]
    assert apart.next is None


def test_disagreements_come_by_kind_page_by_page_and_from_further_back(database, old, new):
    new.swaps = ("0.02 of a comment", "0.98 of a comment")
    both(database, old, new)

    with database.reading() as session:
        rows = {one.name: one.id for one in session.scalars(select(ClassifierVersion))}
        ask = partial(translation.disagreements, session, OURS, rows["old"], rows["new"])
        first = ask(a_page=1)
        second = ask(a_page=1, before=first.next)
        harsher = ask(kind=(Status.PUBLISHED, Status.REJECTED))
        some = ask(at_most=60)
        rest = ask(at_most=60, before=some.next)

    assert [one.text for one in first.found] == ["0.98 of a comment"]
    assert [one.text for one in second.found] == ["0.02 of a comment"]
    assert second.next is None
    assert [one.text for one in harsher.found] == ["0.02 of a comment"]
    assert first.counts == second.counts == harsher.counts
    assert sum(first.counts.values()) == 2
    assert some.translation.texts == 60
    assert "0.02 of a comment" not in [one.text for one in some.found]
    assert "0.02 of a comment" in [one.text for one in rest.found]
    assert first.found[0].one_scores["toxicity"] == pytest.approx(0.98)
    assert first.found[0].other_scores["toxicity"] == pytest.approx(0.02**3)


def test_a_text_that_its_author_changed_since_is_no_disagreement(database, old, new):
    new.swaps = ("0.02 of a comment", "0.98 of a comment")
    both(database, old, new)
    with database.writing() as session:
        changed = session.scalars(select(Case).where(Case.text == "0.98 of a comment")).one()
        cases.reopen(session, changed, "0.01 of a comment, put otherwise")
    until_idle(Worker(database.writing, old))

    with database.reading() as session:
        rows = {one.name: one.id for one in session.scalars(select(ClassifierVersion))}
        apart = translation.disagreements(session, OURS, rows["old"], rows["new"])

    assert [one.text for one in apart.found] == ["0.02 of a comment"]
