"""How good a classifier is: the figures, and the files they are taken from."""

import gzip
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from moderation import evaluation
from moderation.classifier import Classifier
from moderation.evaluation import MEAN, EvaluationRefused, Labelled, Numbers
from moderation.labels import Scores
from moderation.policy import Policy, Threshold

HEADER = "text,toxicity,severe_toxicity,obscene,threat,insult,identity_attack,sexual_explicit"


class ByWords:
    """Scores a text by the number that it ends with: no model, so that each figure is known."""

    name = "by-words"
    version = "0" * 12
    labels = ("toxicity", "threat")

    def score(self, texts: Sequence[str]) -> list[Scores]:
        return [dict.fromkeys(self.labels, float(text.split()[-1])) for text in texts]


def write(path: Path, *lines: str, header: str = HEADER) -> Path:
    content = "\n".join([header, *lines, ""])
    if path.suffix == ".gz":
        with gzip.open(path, "wt", encoding="utf-8") as file:
            file.write(content)
    else:
        path.write_text(content, encoding="utf-8")
    return path


def rows_of(path: Path, classifier: Classifier | None = None) -> dict[str, evaluation.Row]:
    (labelled,) = evaluation.read(path)
    scores = evaluation.score(classifier or ByWords(), labelled.texts)
    return {row.label: row for row in evaluation.measure(labelled, scores)}


# Few values, so that many scores are equal.
marked = st.lists(
    st.tuples(st.booleans(), st.integers(0, 12), st.floats(0.01, 50)), min_size=2, max_size=80
).filter(lambda rows: 0 < sum(flag for flag, _, _ in rows) < len(rows))


@given(marked)
def test_areas_are_those_of_scikit_learn(rows: list[tuple[bool, int, float]]) -> None:
    flags, scores, weight = (np.array(column) for column in zip(*rows, strict=True))
    scores = scores / 12

    for weights in (None, weight):
        assert evaluation.roc_auc(flags, scores, weights) == pytest.approx(
            roc_auc_score(flags, scores, sample_weight=weights), abs=1e-9
        )
        assert evaluation.average_precision(flags, scores, weights) == pytest.approx(
            average_precision_score(flags, scores, sample_weight=weights), abs=1e-9
        )


def test_a_perfect_order_a_reversed_one_and_none() -> None:
    flags = np.array([False, False, True, True])

    assert evaluation.roc_auc(flags, np.array([0.1, 0.2, 0.3, 0.4])) == 1
    assert evaluation.roc_auc(flags, np.array([0.4, 0.3, 0.2, 0.1])) == 0
    assert evaluation.roc_auc(flags, np.array([0.5, 0.5, 0.5, 0.5])) == 0.5


def test_labels_that_are_all_alike_have_no_area() -> None:
    alike = np.array([True, True])

    with pytest.raises(ValueError, match="alike"):
        evaluation.roc_auc(alike, np.array([0.1, 0.2]))
    with pytest.raises(ValueError, match="No text"):
        evaluation.average_precision(~alike, np.array([0.1, 0.2]))


def test_a_score_at_the_threshold_is_stopped_and_weights_count() -> None:
    flags = np.array([True, True, False, False])
    scores = np.array([0.9, 0.4, 0.5, 0.1])

    assert evaluation.precision_recall(flags, scores, 0.5) == (0.5, 0.5)
    weighted = evaluation.precision_recall(flags, scores, 0.5, np.array([1, 1, 9, 9]))
    assert weighted == (0.1, 0.5)
    precision, recall = evaluation.precision_recall(flags, scores, 0.95)
    assert np.isnan(precision)
    assert recall == 0


def test_chosen_thresholds_reach_their_targets_and_one_hundredth_more_does_not() -> None:
    draw = np.random.default_rng(7)
    flags = draw.random(4000) < 0.3
    scores = np.clip(draw.normal(np.where(flags, 0.7, 0.3), 0.15), 0, 1)

    choice = evaluation.choose("insult", flags, scores)

    assert choice.hold is not None
    assert choice.reject is not None
    assert choice.hold_recall >= 0.9
    assert evaluation.precision_recall(flags, scores, choice.hold + 0.01)[1] < 0.9
    assert choice.reject_precision >= 0.98
    assert evaluation.precision_recall(flags, scores, choice.reject - 0.01)[0] < 0.98


def test_a_label_that_cannot_be_told_is_never_rejected() -> None:
    draw = np.random.default_rng(7)

    choice = evaluation.choose("threat", draw.random(4000) < 0.3, draw.random(4000))

    assert choice.reject is None
    assert choice.reject_recall == 0


def test_reject_is_never_below_hold() -> None:
    flags = np.array([True] * 100)
    scores = np.linspace(0.5, 1, 100)

    choice = evaluation.choose("insult", flags, scores)

    assert choice.hold is not None
    assert choice.reject is not None
    assert choice.reject >= choice.hold


def test_each_label_of_a_file_is_measured_and_what_nobody_labelled_is_left_out(
    tmp_path: Path,
) -> None:
    path = write(
        tmp_path / "some.csv.gz",
        "good 0.1,0,,,,,,",
        "bad 0.9,1,,,0,,,",
        "worse 0.8,0.7,,,1,,,",
        "fair 0.3,0.4,,,0,,,",
    )

    rows = rows_of(path)

    assert set(rows) == {"toxicity", "threat"}
    assert (rows["toxicity"].file, rows["toxicity"].texts, rows["toxicity"].positives) == (
        "some",
        4,
        2,
    )
    assert rows["toxicity"].auc == 1
    assert (rows["threat"].texts, rows["threat"].auc) == (3, 0.5)


def test_the_column_weight_counts(tmp_path: Path) -> None:
    path = write(
        tmp_path / "some.csv",
        "above 0.9,0,,,,,,,1",
        "right 0.5,1,,,,,,,1",
        "below 0.1,0,,,,,,,3",
        header=HEADER + ",weight",
    )

    assert rows_of(path)["toxicity"].auc == 0.75


def test_a_label_that_all_texts_have_is_shown_without_an_area(tmp_path: Path) -> None:
    row = rows_of(write(tmp_path / "some.csv", "bad 0.9,1,,,,,,"))["toxicity"]

    assert (row.texts, row.auc, row.average_precision) == (1, None, None)


def test_the_mean_follows_where_all_six_labels_are_measured(tmp_path: Path) -> None:
    class Six(ByWords):
        labels = evaluation.SIX

    path = write(tmp_path / "some.csv", "good 0.1,0,0,0,0,0,1,", "bad 0.9,1,1,1,1,1,0,")

    rows = rows_of(path, Six())

    assert list(rows) == [*evaluation.SIX, MEAN]
    assert rows[MEAN].auc == pytest.approx(5 / 6)
    assert MEAN not in rows_of(path)


def test_a_folder_is_read_by_name_and_files_without_labels_are_passed_over(tmp_path: Path) -> None:
    write(tmp_path / "b.csv", "bad 0.9,1,,,,,,", "good 0.1,0,,,,,,")
    write(tmp_path / "a.csv.gz", "bad 0.9,1,,,,,,", "good 0.1,0,,,,,,")
    write(tmp_path / "unlabelled.csv", "bad 0.9,,,,,,,")
    (tmp_path / "README.md").write_text("no table")

    assert [labelled.file for labelled in evaluation.read(tmp_path)] == ["a", "b"]


def test_progress_is_told_up_to_the_last_text() -> None:
    told: list[tuple[int, int]] = []

    evaluation.score(ByWords(), ["bad 0.9"] * 70, lambda *at: told.append(at))

    assert told == [(32, 70), (64, 70), (70, 70)]


def test_no_texts_have_no_scores() -> None:
    assert {label: list(column) for label, column in evaluation.score(ByWords(), []).items()} == {
        "toxicity": [],
        "threat": [],
    }


@pytest.mark.parametrize(
    ("thresholds", "stopped"),
    [
        ({"toxicity": Threshold(hold=0.5)}, [False, True, True]),
        ({"toxicity": Threshold(reject=0.9)}, [False, False, True]),
        ({"threat": Threshold(hold=0.2)}, [True, False, False]),
        ({}, [False, False, False]),
        # Nobody scored it, so it is no part of what is measured.
        ({"insult": Threshold(hold=0.1), "toxicity": Threshold(hold=0.6)}, [False, False, True]),
    ],
)
def test_what_the_policy_keeps_from_readers_is_held(
    thresholds: dict[str, Threshold], stopped: list[bool]
) -> None:
    scores = {"toxicity": np.array([0.1, 0.5, 0.9]), "threat": np.array([0.3, 0.1, 0.0])}

    assert evaluation.held(scores, Policy(thresholds)).tolist() == stopped


def a_file(*rows: tuple[float, float | None, float]) -> tuple[Labelled, dict[str, Numbers]]:
    """Return a file of (score, toxicity, weight), and its scores."""
    score, truth, weight = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    return Labelled("some", [""] * len(rows), {"toxicity": truth}, weight), {"toxicity": score}


def test_thresholds_are_chosen_from_all_files_at_once_by_weight() -> None:
    toxic = [(0.8, 1.0, 1.0)] * 90 + [(0.3, 1.0, 1.0)] * 10
    rare = [(0.6, 1.0, 9.0)] * 10
    harmless = [(0.1, 0.0, 1.0)] * 50

    (alone,) = evaluation.choose_all([a_file(*toxic, *harmless)])
    (together,) = evaluation.choose_all([a_file(*toxic, *harmless), a_file(*rare, *harmless)])

    assert (alone.hold, alone.hold_recall) == (0.8, 0.9)
    assert (together.hold, together.hold_recall) == (0.6, pytest.approx(180 / 190))
    assert evaluation.policy_of([together]) == Policy(
        {"toxicity": Threshold(hold=together.hold, reject=together.reject)}
    )


def threats(toxicity: list[float], threat: list[float]) -> tuple[Labelled, dict[str, Numbers]]:
    """Return 200 toxic texts, the first half of them threats, and 200 harmless ones.

    Each of the forty scores of a label is that of ten texts.
    """
    truth = {
        "toxicity": np.repeat([1.0, 0.0], 200),
        "threat": np.repeat([1.0, 0.0], (100, 300)),
    }
    scores = {"toxicity": np.repeat(toxicity, 10), "threat": np.repeat(threat, 10)}
    return Labelled("some", [""] * 400, truth, np.ones(400)), scores


def test_what_one_label_misses_another_finds() -> None:
    missed = [0.1, 0.1] + [0.8] * 18 + [0.2] * 20
    toxicity, threat = evaluation.choose_all([threats(missed, [0.7, 0.6] + [0.5] * 8 + [0.1] * 30)])

    assert (toxicity.hold, toxicity.hold_recall) == (0.8, 0.9)
    # One of the two that toxicity misses is enough.
    assert (threat.hold, threat.hold_recall, threat.found) == (0.7, 0.1, 0.9)


def test_where_enough_is_held_anyway_a_label_holds_only_what_is_likely() -> None:
    found = [0.8] * 20 + [0.2] * 20
    _, threat = evaluation.choose_all(
        [threats(found, [0.9] * 8 + [0.4] * 2 + [0.3] * 10 + [0.2] * 20)]
    )

    # From 0.3 on every second one is a threat.
    assert (threat.hold, threat.found) == (0.21, 1)


def test_where_no_threshold_finds_enough_the_lowest_holds() -> None:
    choice = evaluation.choose("threat", np.array([True, False]), np.array([0.001, 0.0005]))

    assert (choice.hold, choice.hold_recall) == (0.001, 1)


def test_a_label_that_tells_nothing_apart_gets_no_threshold() -> None:
    assert evaluation.choose_all([a_file((0.8, 1.0, 1.0), (0.2, None, 1.0))]) == []
    assert evaluation.choose_all([]) == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no column 'text'"),
        (b"text\nhello\n", "no labelled text"),
        (b"text,toxicity\n", "no labelled text"),
        (b"text,toxicity\nhello,often\n", "line 2: 'often'"),
        (b"text,toxicity\nhello,2\n", "'2'"),
        (b"text,toxicity\nhello,nan\n", "'nan'"),
        (b"text,toxicity,weight\nhello,1,-3\n", "'-3'"),
        (b"text,toxicity\n\xff\xfe,1\n", "UTF-8"),
        (b"text,toxicity\nhe\x00llo,1,\n", ""),
    ],
)
def test_a_file_that_cannot_be_measured_is_named(
    tmp_path: Path, content: bytes, words: str
) -> None:
    path = tmp_path / "odd.csv"
    path.write_bytes(content)

    try:
        rows = evaluation.read(path)
    except EvaluationRefused as refusal:
        assert str(path) in str(refusal)
        assert words in str(refusal)
    else:
        assert words == ""
        assert len(rows[0].texts) == 1


def test_a_file_that_is_not_gzip_despite_its_name_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "odd.csv.gz"
    path.write_text("text,toxicity\nhello,1\n")

    with pytest.raises(EvaluationRefused, match=r"odd\.csv\.gz"):
        evaluation.read(path)


def test_a_torn_gzip_file_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "odd.csv.gz", *["hello,1,,,,,,"] * 1000)
    path.write_bytes(path.read_bytes()[:-20])

    with pytest.raises(EvaluationRefused, match=r"odd\.csv\.gz"):
        evaluation.read(path)


def test_nothing_there_and_nothing_in_it_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(EvaluationRefused, match="is not there"):
        evaluation.read(tmp_path / "gone")
    with pytest.raises(EvaluationRefused, match="holds no CSV file"):
        evaluation.read(tmp_path)
