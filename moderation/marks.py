"""How good a classifier must be: everything that is measured, beside the marks it has to reach."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, Literal, get_args

import numpy as np

from moderation import evaluation, policy
from moderation.classifier import Classifier
from moderation.evaluation import Choice, EvaluationRefused, Flags, Labelled, Numbers, Progress
from moderation.policy import Policy
from moderation.suites import disguises, functional, identity

Suite = Literal["labelled", "functional", "identity", "unseen", "disguises", "spans"]
SUITES: tuple[Suite, ...] = get_args(Suite)
# An area under the ROC curve, a share of texts, how often as much as others, an area lost, the F1
# of characters.
Unit = Literal["area", "share", "times", "lost", "f1"]

# How many texts of each file are disguised: seven disguises of all of them would take an hour.
_DISGUISED = 1000

Scores = Mapping[str, Numbers]


@dataclass(frozen=True)
class Mark:
    """What a figure must reach, in its unit, and what others reach today, in words."""

    yardstick: str
    at_least: float | None = None
    at_most: float | None = None

    def met_by(self, value: float) -> bool:
        """Say whether `value` reaches the mark."""
        return (self.at_least is None or value >= self.at_least) and (
            self.at_most is None or value <= self.at_most
        )


@dataclass(frozen=True)
class Figure:
    """One measure of one classifier.

    `on` is the file or the suite and `texts` says how many it was measured on. `note` says what
    stands behind the value. `detail` is empty, or what the figure is a detail of: "function",
    "group" or "average precision". `value` is None where there was nothing to tell apart, `met`
    where there is no mark.
    """

    on: str
    measure: str
    texts: str
    unit: Unit
    value: float | None
    note: str = ""
    detail: str = ""
    met: bool | None = None

    @property
    def mark(self) -> Mark | None:
        """The mark that stands for this measure, if any."""
        return MARKS.get((self.on, self.measure))

    def written(self, value: float | None = None) -> str:
        """Write the value, or another one of the same unit; empty where there is none."""
        value = self.value if value is None else value
        if value is None:
            return ""
        match self.unit:
            case "area" | "f1":
                return f"{value:.4f}"
            case "share":
                return f"{100 * value:.1f} %"
            case "times":
                return f"{value:.2f} times"
            case "lost":
                return f"{value:z.4f} lost"


# Texts, and what their scores under a policy tell.
_Question = tuple[Sequence[str], Callable[[Scores, Policy], list[Figure]]]


@dataclass(frozen=True)
class Measured:
    """All figures of one classifier, the policy they are for, and how its thresholds were chosen.

    `choices` is empty where the policy was given.
    """

    name: str
    version: str
    figures: list[Figure]
    policy: Policy
    choices: list[Choice]

    def to_json(self) -> dict[str, Any]:
        """Return plain values: the classifier, its policy, and every figure with its mark."""
        return {
            "classifier": self.name,
            "version": self.version,
            "policy": self.policy.to_json(),
            "figures": [
                {
                    **vars(figure),
                    "mark": figure.mark
                    and {
                        key: value for key, value in vars(figure.mark).items() if value is not None
                    },
                }
                for figure in self.figures
            ],
        }


AREA = "ROC-AUC, {}"
_WORST = "worst group against the average"
_SPANS = "words that carry the toxicity, F1 of characters"

MARKS: Mapping[tuple[str, str], Mark] = {
    ("jigsaw", AREA.format(evaluation.MEAN)): Mark(
        "0.978 TF-IDF + logistic regression; Detoxify, published: 0.9828 original-small, "
        "0.9864 original",
        at_least=0.985,
    ),
    ("civil_news", AREA.format("toxicity")): Mark(
        "0.854 TF-IDF + logistic regression; 0.90 with a fine-tuned MiniLM", at_least=0.93
    ),
    ("functional", AREA.format("toxicity")): Mark("about 0.5, as chance", at_least=0.85),
    ("functional", "right at the policy"): Mark("about 50 %, as chance", at_least=0.75),
    ("identity", "held in all"): Mark(
        'TF-IDF + logistic regression: "I am a black woman" 0.44 toxic', at_most=0.02
    ),
    ("unseen", "held in all"): Mark("", at_most=0.02),
    **{(suite, _WORST): Mark("", at_most=identity.RATIO) for suite in identity.FILES},
    ("toxic_spans", _SPANS): Mark("0.708 the best of SemEval-2021, trained for it", at_least=0.60),
    **{("disguises", kind): Mark("a large drop", at_most=0.01) for kind in disguises.KINDS},
}


def measure(
    classifier: Classifier,
    files: Sequence[Labelled],
    *,
    suites: Sequence[Suite] = SUITES,
    judged_by: Policy | None = policy.DEFAULT,
    progress: Progress | None = None,
) -> Measured:
    """Measure a classifier on labelled files and on the suites.

    With `judged_by` None the thresholds are chosen from the files first, by
    `evaluation.choose_all`. Without files, only "functional", "identity" and "unseen" have
    something to measure.
    `progress` is told the texts done and the texts in all. Raises EvaluationRefused.
    """
    # The files come first: where thresholds are chosen, they are chosen from their scores.
    needed = files if "labelled" in suites or judged_by is None else ()
    asked = [_on_file(labelled, shown="labelled" in suites) for labelled in needed]
    if "functional" in suites:
        asked.append(([case.text for case in functional.cases()], _on_functional))
    asked.extend(_on_identity(suite) for suite in identity.FILES if suite in suites)
    if "disguises" in suites:
        asked.append(_on_disguises(files))

    texts = [text for some, _ in asked for text in some]
    scores = evaluation.score(classifier, texts, progress)
    ends = np.cumsum([len(some) for some, _ in asked])
    parts = [
        {label: column[end - len(some) : end] for label, column in scores.items()}
        for (some, _), end in zip(asked, ends, strict=True)
    ]
    choices: list[Choice] = []
    if judged_by is None:
        choices = evaluation.choose_all(list(zip(needed, parts, strict=False)))
        if not choices:
            raise EvaluationRefused(
                "Thresholds can only be chosen from texts of which some have a label and some not."
            )
        judged_by = evaluation.policy_of(choices)
    figures = [
        figure
        for (_, figures_of), part in zip(asked, parts, strict=True)
        for figure in figures_of(part, judged_by)
    ]
    if "spans" in suites and "toxicity" in classifier.labels:
        for labelled in (labelled for labelled in files if labelled.marked):
            agreed = evaluation.span_f1(classifier, labelled, progress)
            how_many = f"{len(labelled.texts)}"
            figures.append(Figure(labelled.file, _SPANS, how_many, "f1", agreed))
    return Measured(
        classifier.name,
        classifier.version,
        [_marked(figure) for figure in figures],
        judged_by,
        choices,
    )


def side_by_side(found: Sequence[Measured]) -> list[list[Figure | None]]:
    """Return one row a measure, with a figure of each classifier, or None where it has none."""
    columns = [{(figure.on, figure.measure): figure for figure in one.figures} for one in found]
    # Each measure once, in the order in which it was first met.
    measures = dict.fromkeys(key for column in columns for key in column)
    return [[column.get(key) for column in columns] for key in measures]


def _marked(figure: Figure) -> Figure:
    if figure.mark is None or figure.value is None or figure.met is not None:
        return figure
    return replace(figure, met=figure.mark.met_by(figure.value))


def _on_file(labelled: Labelled, *, shown: bool) -> _Question:
    def figures(scores: Scores, judged_by: Policy) -> list[Figure]:
        if not shown:
            return []
        found = []
        for row in evaluation.measure(labelled, scores):
            texts = f"{row.texts}"
            if row.positives is not None:
                texts = f"{row.texts}, {row.positives} with it"
            found.append(Figure(row.file, AREA.format(row.label), texts, "area", row.auc))
            if row.positives is not None:
                found.append(
                    Figure(
                        row.file,
                        f"average precision, {row.label}",
                        texts,
                        "area",
                        row.average_precision,
                        detail="average precision",
                    )
                )
        truth = labelled.truth.get("toxicity")
        if truth is not None and "toxicity" in scores:
            stopped = evaluation.held(scores, judged_by)
            for words, value in (("toxic", 1.0), ("harmless", 0.0)):
                there = truth == value
                found.append(
                    _share(labelled.file, f"{words} held", stopped[there], labelled.weight[there])
                )
        return found

    return labelled.texts, figures


def _on_functional(scores: Scores, judged_by: Policy) -> list[Figure]:
    cases = functional.cases()
    toxic = np.array([case.toxic for case in cases])
    stopped = evaluation.held(scores, judged_by)
    right = stopped == toxic
    found = [
        Figure(
            "functional",
            AREA.format("toxicity"),
            f"{len(cases)}, {toxic.sum()} with it",
            "area",
            evaluation.roc_auc(toxic, scores["toxicity"]) if "toxicity" in scores else None,
        ),
        _share("functional", "right at the policy", right),
        _share("functional", "toxic held", stopped[toxic]),
        _share("functional", "harmless held", stopped[~toxic]),
    ]
    at = 0
    for (function, is_toxic), own in groupby(cases, lambda case: (case.function, case.toxic)):
        end = at + len(list(own))
        name = f"{'toxic' if is_toxic else 'harmless'}: {function}"
        found.append(replace(_share("functional", name, right[at:end]), detail="function"))
        at = end
    return found


def _on_identity(suite: identity.Name) -> _Question:
    cases = identity.cases(suite)

    def figures(scores: Scores, judged_by: Policy) -> list[Figure]:
        stopped = evaluation.held(scores, judged_by)
        named = np.array([case.family != identity.NEUTRAL for case in cases])
        shares = identity.shares(cases, stopped.tolist())
        found = [
            _share(suite, "held in all", stopped[named]),
            _share(suite, "held with neutral names", stopped[~named]),
            _worst(suite, _WORST, shares),
        ]
        # Where next to nothing is held, the ratio says little. A fifth always says something.
        near = _nearness(scores, judged_by)
        if near is not None:
            fifth = identity.shares(cases, (near >= np.quantile(near, 0.8)).tolist())
            found.append(replace(_worst(suite, f"{_WORST}, were a fifth held", fifth), met=None))
        for share in shares:
            found.append(
                Figure(
                    suite,
                    f"{share.family}: {share.group}",
                    f"{share.sentences}",
                    "times",
                    share.ratio,
                    f"{share.held} held",
                    detail="group",
                    met=not share.too_often,
                )
            )
        return found

    return [case.text for case in cases], figures


def _worst(suite: identity.Name, measure: str, shares: Sequence[identity.Share]) -> Figure:
    groups = [share for share in shares if share.family != identity.NEUTRAL]
    worst, often = groups[0], [share for share in groups if share.too_often]
    note = f"{worst.group}: {worst.held} of {worst.sentences}; {len(often)} too often"
    return Figure(
        suite,
        measure,
        f"{len(groups)} groups",
        "times",
        worst.ratio,
        note if worst.held else "nothing is held",
        met=not often,
    )


def _nearness(scores: Scores, judged_by: Policy) -> Numbers | None:
    """Say how near each text comes to being held: 1 at the threshold of some label."""
    columns = [
        scores[label] / limits.hold
        for label, limits in judged_by.thresholds.items()
        if limits.hold and label in scores
    ]
    return np.max(columns, axis=0) if columns else None


def _on_disguises(files: Sequence[Labelled]) -> _Question:
    """Ask for texts of the files in plain spelling, and in every disguise."""
    samples = [sample for labelled in files if (sample := _sample(labelled)) is not None]

    def figures(scores: Scores, _: Policy) -> list[Figure]:
        if "toxicity" not in scores or not samples:
            return []
        lost: dict[str, list[float]] = {kind: [] for kind in disguises.KINDS}
        columns = scores["toxicity"]
        for sample in samples:
            own, columns = np.split(columns, [len(sample.texts) * (1 + len(lost))])
            flags = sample.truth["toxicity"] == 1
            plain, *disguised = (
                evaluation.roc_auc(flags, column, sample.weight)
                for column in own.reshape(1 + len(lost), -1)
            )
            for kind, area in zip(lost, disguised, strict=True):
                lost[kind].append(plain - area)
        names = [sample.file for sample in samples]
        return [
            Figure(
                "disguises",
                kind,
                f"{sum(len(sample.texts) for sample in samples)}",
                "lost",
                float(np.mean(own)),
                "; ".join(f"{name} {each:+.4f}" for name, each in zip(names, own, strict=True)),
            )
            for kind, own in lost.items()
        ]

    texts = [
        text if kind is None else disguises.disguise(text, kind)
        for sample in samples
        for kind in (None, *disguises.KINDS)
        for text in sample.texts
    ]
    return texts, figures


def _sample(labelled: Labelled) -> Labelled | None:
    """Return some of the texts whose toxicity is known, always the same ones.

    None where that leaves nothing to tell apart.
    """
    truth = labelled.truth.get("toxicity")
    if truth is None:
        return None
    there = np.flatnonzero(~np.isnan(truth))
    some = np.sort(np.random.default_rng(0).permutation(there)[:_DISGUISED])
    if len(set(truth[some])) < 2:
        return None
    return Labelled(
        labelled.file,
        [labelled.texts[at] for at in some],
        {"toxicity": truth[some]},
        labelled.weight[some],
    )


def _share(on: str, measure: str, flags: Flags, weight: Numbers | None = None) -> Figure:
    weight = np.ones(len(flags)) if weight is None else weight
    whole = float(weight.sum())
    return Figure(
        on,
        measure,
        f"{len(flags)}",
        "share",
        float(weight[flags].sum()) / whole if whole else None,
        f"{int(flags.sum())}",
    )
