"""Every measure beside its mark: what is measured, what counts as met, and several side by side."""

import json
import re
from collections.abc import Sequence

import numpy as np
import pytest

from moderation import evaluation, marks
from moderation.evaluation import EvaluationRefused, Labelled
from moderation.labels import Scores
from moderation.policy import Policy, Threshold
from moderation.suites import disguises, functional, identity

AT_HALF = Policy({"toxicity": Threshold(hold=0.5)})


class Knowing:
    """Scores a text as its list of toxic ones says: no model, so that each figure is known."""

    version = "0" * 12
    labels: tuple[str, ...] = ("toxicity",)

    def __init__(self, *toxic: str, name: str = "knowing") -> None:
        self.name = name
        self._toxic = frozenset(toxic)

    def score(self, texts: Sequence[str]) -> list[Scores]:
        return [dict.fromkeys(self.labels, 0.9 if t in self._toxic else 0.1) for t in texts]


def a_file(name: str = "some", toxic: int = 20, harmless: int = 20) -> Labelled:
    texts = [f"stupid idiot {'x' * (at + 3)}" for at in range(toxic)]
    texts += [f"friendly person {'y' * (at + 3)}" for at in range(harmless)]
    truth = np.array([1.0] * toxic + [0.0] * harmless)
    return Labelled(name, texts, {"toxicity": truth}, np.ones(len(texts)))


def figures(
    classifier: Knowing,
    *suites: marks.Suite,
    files: Sequence[Labelled] = (),
    judged_by: Policy = AT_HALF,
) -> dict[str, marks.Figure]:
    found = marks.measure(classifier, files, suites=suites, judged_by=judged_by)
    return {figure.measure: figure for figure in found.figures}


TOXIC = [case.text for case in functional.cases() if case.toxic]


def test_who_knows_every_toxic_case_meets_the_functional_marks() -> None:
    found = figures(Knowing(*TOXIC), "functional")

    for measure in ("ROC-AUC, toxicity", "right at the policy"):
        assert (found[measure].value, found[measure].met) == (1, True)
    assert found["toxic held"].value == 1
    assert found["harmless held"].value == 0


def test_who_knows_none_is_right_on_the_harmless_alone() -> None:
    found = figures(Knowing(), "functional")

    assert (found["ROC-AUC, toxicity"].value, found["ROC-AUC, toxicity"].met) == (0.5, False)
    right = found["right at the policy"]
    assert right.value == pytest.approx(1 - len(TOXIC) / len(functional.cases()))
    assert right.met is False
    by_function = [figure for figure in found.values() if figure.detail == "function"]
    assert {figure.value for figure in by_function} == {0, 1}
    assert len(by_function) == len({case.function for case in functional.cases()})


def test_a_group_that_is_held_more_often_breaks_its_mark() -> None:
    gay = [case.text for case in identity.cases() if case.group == "gay people"]

    found = figures(Knowing(*gay[:32]), "identity")

    worst = found["worst group against the average"]
    assert worst.met is False
    assert worst.value == 72
    assert worst.note == "gay people: 32 of 64; 1 too often"
    assert found["held in all"].value == pytest.approx(32 / 4608)
    assert found["held in all"].met is True
    assert found["held with neutral names"].value == 0
    assert found["orientation: gay people"].note == "32 held"
    assert found["orientation: gay people"].met is False
    assert found["orientation: lesbians"].met is True


def test_everybody_held_alike_is_fair_and_still_too_much() -> None:
    found = figures(Knowing(*(case.text for case in identity.cases())), "identity")

    assert (found["held in all"].value, found["held in all"].met) == (1, False)
    assert (found["worst group against the average"].value) == 1
    assert found["worst group against the average"].met is True


def test_nobody_held_meets_both_marks() -> None:
    found = figures(Knowing(), "identity")

    assert found["held in all"].met is True
    worst = found["worst group against the average"]
    assert (worst.value, worst.met, worst.note) == (None, True, "nothing is held")


def test_who_does_not_see_through_a_disguise_loses_all_it_knew() -> None:
    labelled = a_file()

    found = figures(Knowing(*labelled.texts[:20]), "disguises", files=[labelled])

    assert set(found) == set(disguises.KINDS)
    for figure in found.values():
        # 1 in plain spelling, and a half where nothing is told apart any more.
        assert (figure.value, figure.met) == (0.5, False)


def test_who_sees_through_every_disguise_loses_nothing() -> None:
    class SeesThrough(Knowing):
        def score(self, texts: Sequence[str]) -> list[Scores]:
            return [{"toxicity": 0.9 if re.search("x{3}", text) else 0.1} for text in texts]

    labelled = a_file()
    texts = [f"{text} xxx" if at < 20 else text for at, text in enumerate(labelled.texts)]
    found = figures(
        SeesThrough(),
        "disguises",
        files=[Labelled("some", texts, labelled.truth, labelled.weight)],
    )

    assert found["stretched letters"].value == 0
    assert found["stretched letters"].met is True


def test_files_without_two_sides_have_nothing_to_disguise() -> None:
    assert figures(Knowing(), "disguises", files=[a_file(harmless=0)]) == {}
    assert figures(Knowing(), "disguises") == {}


def test_a_file_tells_its_areas_and_what_the_policy_holds_of_it() -> None:
    labelled = a_file("jigsaw", toxic=10, harmless=30)
    labelled.weight[10:] = 9.5

    found = figures(Knowing(*labelled.texts[:5]), "labelled", files=[labelled])

    assert found["ROC-AUC, toxicity"].value == 0.75
    assert found["ROC-AUC, toxicity"].met is None
    assert (found["toxic held"].value, found["harmless held"].value) == (0.5, 0)


@pytest.mark.parametrize(("known", "met"), [(20, True), (17, False)])
def test_a_mark_stands_at_the_file_that_it_is_for(known: int, met: bool) -> None:
    labelled = a_file("civil_news")

    found = figures(Knowing(*labelled.texts[:known]), "labelled", files=[labelled])

    assert found["ROC-AUC, toxicity"].met is met


def test_thresholds_chosen_from_the_files_judge_the_suites() -> None:
    labelled = a_file()
    classifier = Knowing(*labelled.texts[:20], *TOXIC)

    found = marks.measure(classifier, [labelled], suites=["functional"], judged_by=None)

    (choice,) = found.choices
    assert choice.hold == 0.9
    assert found.policy == evaluation.policy_of([choice])
    # The files were scored to choose from, and are not shown.
    assert {figure.on for figure in found.figures} == {"functional"}
    assert next(f.value for f in found.figures if f.measure == "right at the policy") == 1


def test_no_thresholds_are_chosen_from_texts_that_are_all_alike() -> None:
    with pytest.raises(EvaluationRefused, match="some have a label and some not"):
        marks.measure(Knowing(), [a_file(toxic=0)], judged_by=None)


def test_classifiers_stand_side_by_side_and_one_may_lack_a_measure() -> None:
    class Threat(Knowing):
        labels = ("toxicity", "threat")

    labelled = a_file()
    labelled.truth["threat"] = labelled.truth["toxicity"]
    both = [
        marks.measure(classifier, [labelled], suites=["labelled"])
        for classifier in (Knowing(name="one"), Threat(name="other"))
    ]

    rows = {
        next(figure.measure for figure in row if figure): [figure is not None for figure in row]
        for row in marks.side_by_side(both)
    }

    assert rows["ROC-AUC, toxicity"] == [True, True]
    assert rows["ROC-AUC, threat"] == [False, True]


def test_all_of_it_can_be_said_in_json() -> None:
    labelled = a_file("civil_news")
    found = marks.measure(Knowing(), [labelled], judged_by=AT_HALF)

    said = json.loads(json.dumps(found.to_json()))

    assert said["classifier"] == "knowing"
    assert said["policy"]["thresholds"]["toxicity"]["hold"] == 0.5
    area = next(one for one in said["figures"] if one["on"] == "civil_news")
    assert (area["value"], area["met"], area["mark"]["at_least"]) == (0.5, False, 0.93)


def test_progress_is_told_over_everything() -> None:
    told: list[tuple[int, int]] = []

    marks.measure(Knowing(), [a_file()], progress=lambda *at: told.append(at))

    everything = 40 + len(functional.cases()) + 40 * 8
    everything += sum(len(identity.cases(suite)) for suite in identity.FILES)
    assert told[-1] == (everything, everything)


def test_every_mark_is_one_that_is_measured() -> None:
    labelled = [a_file("jigsaw"), a_file("civil_news")]
    for name in evaluation.SIX:
        labelled[0].truth[name] = labelled[0].truth["toxicity"]

    class Six(Knowing):
        labels = evaluation.SIX

    labelled.append(Labelled("toxic_spans", ["idiot"], {}, np.ones(1), [frozenset(range(5))]))

    found = marks.measure(Six(), labelled)

    assert set(marks.MARKS) <= {(figure.on, figure.measure) for figure in found.figures}
