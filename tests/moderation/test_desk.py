"""The desk: many ask, one thread scores, and nobody waits for what cannot come."""

import threading
from collections.abc import Callable, Iterator, Sequence

import pytest

from moderation.classifier import Classifier, ClassifierUnavailable
from moderation.desk import Busy, Desk
from moderation.labels import Scores

MAKE = Callable[..., Desk]
LONG = 30.0  # seconds that a busy machine is given


@pytest.fixture
def make() -> Iterator[MAKE]:
    """Make a desk; it is closed at the end."""
    made: list[Desk] = []

    def make(classifier: Callable[[], Classifier], **limits: int) -> Desk:
        made.append(Desk(classifier, **limits))
        return made[-1]

    yield make
    for desk in made:
        desk.stop()


class Gate:
    """The shipped classifier behind a gate, so that more can come while it scores."""

    def __init__(self, classifier: Classifier) -> None:
        self.name, self.version = classifier.name, classifier.version
        self.labels, self.scripts = classifier.labels, classifier.scripts
        self.begun, self.open = threading.Event(), threading.Event()
        self.together: list[int] = []
        self._classifier = classifier

    def __call__(self) -> Classifier:
        return self

    def score(self, texts: Sequence[str]) -> list[Scores]:
        self.together.append(len(texts))
        self.begun.set()
        assert self.open.wait(LONG)
        if "break" in texts:
            raise ValueError("This text breaks the classifier.")
        return self._classifier.score(texts)


@pytest.fixture
def gate(classifier: Classifier) -> Iterator[Gate]:
    gate = Gate(classifier)
    yield gate
    gate.open.set()


def test_everybody_gets_the_scores_of_their_own_texts(make: MAKE, classifier: Classifier) -> None:
    desk = make(lambda: classifier)
    asked = [["Good morning."], ["You idiot.", "Thank you."], [], ["I will kill you."]]
    answers = [desk.ask(texts) for texts in asked]

    for texts, answer in zip(asked, answers, strict=True):
        assert answer.result(LONG).scores == classifier.score(texts)
        assert answer.result(LONG).classifier is classifier


def test_what_comes_meanwhile_is_scored_together(make: MAKE, gate: Gate) -> None:
    desk = make(gate, at_once=4)
    answers = [desk.ask(["first"])]
    assert gate.begun.wait(LONG)
    answers += [desk.ask(["text"] * texts) for texts in (1, 2, 1, 3)]
    gate.open.set()

    for answer in answers:
        answer.result(LONG)
    assert gate.together == [1, 4, 3]


def test_more_than_may_wait_is_refused_at_once(make: MAKE, gate: Gate) -> None:
    desk = make(gate, most_waiting=1000)
    first = desk.ask(["x" * 5000])  # However long, one alone is taken.
    assert gate.begun.wait(LONG)
    with pytest.raises(Busy):
        desk.ask(["x"])
    gate.open.set()
    first.result(LONG)

    # Many short texts take their time, too.
    gate.open.clear()
    gate.begun.clear()
    answers = [desk.ask(["x"])]
    assert gate.begun.wait(LONG)
    answers += [desk.ask(["x"]) for _ in range(4)]
    with pytest.raises(Busy):
        desk.ask(["x"])
    gate.open.set()
    assert all(answer.result(LONG).scores for answer in answers)


def test_a_text_that_breaks_the_classifier_hurts_its_own_request_alone(
    make: MAKE, gate: Gate
) -> None:
    desk = make(gate)
    desk.ask(["first"])
    assert gate.begun.wait(LONG)
    good, bad, other = (desk.ask([text]) for text in ("good", "break", "other"))
    gate.open.set()

    assert good.result(LONG).scores
    assert other.result(LONG).scores
    with pytest.raises(ValueError, match="breaks"):
        bad.result(LONG)


def test_who_gave_up_is_not_scored(make: MAKE, gate: Gate) -> None:
    desk = make(gate)
    desk.ask(["first"])
    assert gate.begun.wait(LONG)
    gone, stays = desk.ask(["gone"] * 3), desk.ask(["stays"])
    assert gone.cancel()
    gate.open.set()

    assert stays.result(LONG).scores
    assert gate.together == [1, 1]


def test_without_a_classifier_everybody_is_told(make: MAKE, classifier: Classifier) -> None:
    there = False

    def find() -> Classifier:
        if not there:
            raise ClassifierUnavailable("It is not there.")
        return classifier

    desk = make(find)
    with pytest.raises(ClassifierUnavailable, match="not there"):
        desk.ask(["Good morning."]).result(LONG)

    there = True
    assert desk.ask(["Good morning."]).result(LONG).scores


def test_a_closed_desk_takes_nothing_and_leaves_nobody_waiting(make: MAKE, gate: Gate) -> None:
    desk = make(gate)
    desk.ask(["first"])
    assert gate.begun.wait(LONG)
    waits = desk.ask(["second"])
    gate.open.set()
    desk.stop()

    with pytest.raises(Busy):
        desk.ask(["third"])
    assert waits.done()
