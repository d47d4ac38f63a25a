"""What the site knows of the texts that it scored, as columns: what simulations are made of."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from moderation import audits, labels
from moderation.audits import Stratum
from moderation.decisions import BY_PEOPLE, Kind
from moderation.policy import SIGNALS, Means, Mode, Policy, Status
from moderation.tables import Audit, Batch, Case, Decision, Score, Sweep, SweepCase

Numbers = NDArray[np.float64]
Codes = NDArray[np.int8]
Whole = NDArray[np.int64]

# A status as a small number; the stricter one is the higher.
PUBLISHED, HELD, REJECTED = 0, 1, 2
STATUSES: Sequence[Status] = (Status.PUBLISHED, Status.HELD, Status.REJECTED)
NONE = -1  # no verdict recorded, or nobody has decided

# What people said of a text.
KEEP, REMOVE = 0, 1

# How a text came to be looked at, as a small number. UNDRAWN: nobody could have by chance.
STRATA = (Stratum.PUBLISHED, Stratum.NEAR, Stratum.HELD, Stratum.REJECTED)
SWEPT, UNDRAWN = len(STRATA), len(STRATA) + 1

# Signals as bits; the last bit stands for every signal that no policy decides on.
BIT = {code: 1 << place for place, code in enumerate(SIGNALS)}
_OTHER = 1 << len(SIGNALS)

# So many texts at most are looked at together; beyond, the newest.
AT_MOST = 2_000_000
_AT_ONCE = 10_000


@dataclass(frozen=True)
class History:
    """Texts that one classifier scored, each revision a row, in the order of cases.

    `scores` has a column a label of `labels.NAMES`; NaN where a label was not scored. `at` is when
    a text was scored, in seconds since 1970. `signals` are bits (BIT), `good` how many good
    comments the author had then, `context` where the text stands. `verdict` is what the policy of
    then decided (PUBLISHED, HELD, REJECTED or NONE) under `version`, 0 if none; `people` what a
    person said of this revision and nobody took back (KEEP, REMOVE or NONE).

    `stratum` is how it came to be looked at: a place in STRATA, SWEPT or UNDRAWN. `chance` is the
    probability with which it was drawn to be judged, and `said` (KEEP, REMOVE or NONE) what who
    judged it said: see `drawn`. Left out, nobody could have looked at anything by chance.
    """

    case_id: Whole
    revision: Whole
    at: Whole
    scores: Numbers
    signals: Whole
    good: Whole
    context: Whole
    verdict: Codes
    version: Whole
    people: Codes
    stratum: Codes = field(default_factory=lambda: np.zeros(0, dtype=np.int8))
    chance: Numbers = field(default_factory=lambda: np.zeros(0))
    said: Codes = field(default_factory=lambda: np.zeros(0, dtype=np.int8))

    def __post_init__(self) -> None:
        n = len(self)
        if len(self.stratum) != n:
            object.__setattr__(self, "stratum", np.full(n, UNDRAWN, dtype=np.int8))
            object.__setattr__(self, "chance", np.zeros(n))
            object.__setattr__(self, "said", np.full(n, NONE, dtype=np.int8))

    def __len__(self) -> int:
        return len(self.case_id)

    def where(self, which: NDArray[np.bool_]) -> "History":
        """Return those texts for which `which` is true."""
        return replace(self, **{f.name: getattr(self, f.name)[which] for f in fields(self)})

    @property
    def days(self) -> float:
        """How many days lie between the first text and the last, at least one."""
        return max(1.0, float(np.ptp(self.at)) / 86_400) if len(self) else 1.0


def read(
    session: Session,
    classifier_id: int,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    at_most: int = AT_MOST,
) -> History:
    """Read the texts that this classifier scored in a time; of very many the newest `at_most`."""
    asked = (
        select(
            Score.case_id,
            Score.revision,
            Score.scored_at,
            Score.signals,
            Score.good,
            *(getattr(Score, name) for name in labels.NAMES),
        )
        .where(Score.classifier_id == classifier_id)
        .order_by(Score.case_id.desc(), Score.revision.desc())
        .limit(at_most)
    )
    if since is not None:
        asked = asked.where(Score.scored_at >= since)
    if until is not None:
        asked = asked.where(Score.scored_at < until)
    parts = [_columns(rows) for rows in _partitions(session, asked)]
    if not parts:
        return _empty()
    # Newest first was for the limit.
    case_id, revision, at, signals, good, scores = (
        np.concatenate([part[place] for part in parts])[::-1] for place in range(6)
    )
    texts = _key(case_id, revision)
    first, last = int(case_id[0]), int(case_id[-1])
    verdict, version, stratum, chance = _verdicts(session, texts, first, last)
    people, swept = _people(session, texts, first)
    said = _said(session, texts, first, stratum, people)
    _sweep(session, texts, swept, stratum, chance, said)
    return History(
        case_id=case_id,
        revision=revision,
        at=at,
        scores=scores,
        signals=signals,
        good=good,
        context=_contexts(session, case_id),
        verdict=verdict,
        version=version,
        people=people,
        stratum=stratum,
        chance=chance,
        said=said,
    )


def _partitions(session: Session, asked: Any) -> Iterator[Sequence[Row[Any]]]:
    yield from session.execute(asked.execution_options(yield_per=_AT_ONCE)).partitions()


def _columns(rows: Sequence[Row[Any]]) -> tuple[Any, ...]:
    case_id, revision, at, signals, good, *scores = zip(*rows, strict=True)
    known = {codes: _bits(codes) for codes in set(signals)}
    return (
        np.array(case_id, dtype=np.int64),
        np.array(revision, dtype=np.int64),
        np.array([(moment - _EPOCH) // _SECOND for moment in at], dtype=np.int64),
        np.array([known[codes] for codes in signals], dtype=np.int64),
        np.array(good, dtype=np.int64),
        np.array(scores, dtype=np.float64).T,
    )


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)


def _bits(codes: str) -> int:
    bits = 0
    for code in codes.split():
        bits |= BIT.get(code, _OTHER)
    return bits


def _key(case_id: Whole, revision: Whole) -> Whole:
    """One number for a case and a revision, in their order."""
    return case_id << np.int64(16) | np.minimum(revision, 0xFFFF)


def _placed(texts: Whole, keys: Whole) -> tuple[Whole, NDArray[np.bool_]]:
    """Return where each key stands among `texts`, which are in order, and whether it does."""
    at = np.searchsorted(texts, keys)
    at[at == len(texts)] = 0
    return at, texts[at] == keys


def _verdicts(
    session: Session, texts: Whole, first: int, last: int
) -> tuple[Codes, Whole, Codes, Numbers]:
    """Return each text's verdict and its version, and from what it was drawn by which chance."""
    verdict = np.full(len(texts), NONE, dtype=np.int8)
    version = np.zeros(len(texts), dtype=np.int64)
    stratum = np.full(len(texts), UNDRAWN, dtype=np.int8)
    chance = np.zeros(len(texts))
    code = {status.value: number for number, status in enumerate(STATUSES)}
    among = {each.value: number for number, each in enumerate(STRATA)}
    asked = (
        select(
            Decision.case_id,
            Decision.revision,
            Decision.to_status,
            Decision.policy_version_id,
            Decision.stratum,
            Decision.share,
        )
        .where(Decision.case_id.between(first, last), Decision.kind == Kind.VERDICT.value)
        .order_by(Decision.case_id, Decision.id)
    )
    for rows in _partitions(session, asked):
        case_id, revision, status, policy, drawn_from, share = zip(*rows, strict=True)
        at, there = _placed(texts, _key(np.array(case_id), np.array(revision)))
        at = at[there]
        verdict[at] = np.array([code[each] for each in status], dtype=np.int8)[there]
        version[at] = np.array([each or 0 for each in policy], dtype=np.int64)[there]
        stratum[at] = np.array([among.get(each, UNDRAWN) for each in drawn_from], np.int8)[there]
        chance[at] = np.array([each or 0.0 for each in share], dtype=np.float64)[there]
    # All that is held is looked at, whether its words alone were shown or not.
    held = verdict == HELD
    stratum[held], chance[held] = STRATA.index(Stratum.HELD), 1.0
    stratum[chance == 0.0] = UNDRAWN
    return verdict, version, stratum, chance


def _people(session: Session, texts: Whole, first: int) -> tuple[Codes, dict[int, Whole]]:
    """Return what people said of each text, and by sweep those approved there without a look."""
    lines = session.execute(
        select(
            Decision.id,
            Decision.case_id,
            Decision.revision,
            Decision.kind,
            Decision.undoes_id,
            Batch.sweep_id,
        )
        .outerjoin(Batch, Batch.id == Decision.batch_id)
        .where(
            Decision.kind.in_([kind.value for kind in (*BY_PEOPLE, Kind.UNDO)]),
            Decision.case_id >= first,
        )
        .order_by(Decision.id)
    ).all()
    undone = {line.undoes_id for line in lines}
    people = np.full(len(texts), NONE, dtype=np.int8)
    said = [line for line in lines if line.kind != Kind.UNDO and line.id not in undone]
    if not said:
        return people, {}
    at, there = _placed(
        texts,
        _key(np.array([line.case_id for line in said]), np.array([line.revision for line in said])),
    )
    says = np.array([REMOVE if line.kind == Kind.REJECT else KEEP for line in said], np.int8)
    sweep = np.array([line.sweep_id or 0 for line in said], dtype=np.int64)
    # In the order of the log: of several the last one stands.
    last_sweep = np.zeros(len(texts), dtype=np.int64)
    people[at[there]], last_sweep[at[there]] = says[there], sweep[there]
    swept = np.unique(last_sweep[last_sweep > 0]).tolist()
    return people, {number: np.flatnonzero(last_sweep == number) for number in swept}


def _said(session: Session, texts: Whole, first: int, stratum: Codes, people: Codes) -> Codes:
    """Return what those said who came to a text by its chance.

    Of what was held that is what was decided; of the rest, what an audit answered. A text that
    readers reported tells of itself alone: that it was looked at says already that it is worse than
    others, and one that an audit removed early could not be reported any more.
    """
    said = np.full(len(texts), NONE, dtype=np.int8)
    held = stratum == STRATA.index(Stratum.HELD)
    said[held] = people[held]
    answers = session.execute(
        select(Audit.case_id, Audit.revision, Audit.answer)
        .where(
            Audit.case_id >= first,
            Audit.answer != "",
            Audit.stratum.in_([each.value for each in STRATA if each is not Stratum.HELD]),
        )
        .order_by(Audit.id)
    ).all()
    if answers:
        case_id, revision, answer = zip(*answers, strict=True)
        at, there = _placed(texts, _key(np.array(case_id), np.array(revision)))
        says = np.array([REMOVE if each == audits.REJECT else KEEP for each in answer], np.int8)
        said[at[there]] = says[there]
    said[stratum == UNDRAWN] = NONE
    return said


def _sweep(
    session: Session,
    texts: Whole,
    swept: dict[int, Whole],
    stratum: Codes,
    chance: Numbers,
    said: Codes,
) -> None:
    """Let those approved by a sweep without a look be told of by those drawn for it."""
    if not swept:
        return
    drawn = session.execute(
        select(SweepCase.sweep_id, SweepCase.case_id, SweepCase.revision)
        .join(Sweep, Sweep.id == SweepCase.sweep_id)
        .where(SweepCase.sweep_id.in_(swept), SweepCase.position <= Sweep.drawn)
    ).all()
    for number, rest in swept.items():
        its = [row for row in drawn if row.sweep_id == number]
        if its:
            keys = _key(np.array([r.case_id for r in its]), np.array([r.revision for r in its]))
            at, there = _placed(texts, keys)
            looked = at[there]
        else:
            looked = np.zeros(0, dtype=np.int64)
        said[rest] = NONE
        for some in (looked, rest):
            stratum[some], chance[some] = SWEPT, len(looked) / (len(looked) + len(rest))
        if not len(looked):
            stratum[rest] = UNDRAWN


def _contexts(session: Session, case_id: Whole) -> Whole:
    asked = (
        select(Case.id, Case.context)
        .where(Case.id.between(int(case_id[0]), int(case_id[-1])))
        .order_by(Case.id)
    )
    context = np.zeros(len(case_id), dtype=np.int64)
    for rows in _partitions(session, asked):
        ids, contexts = (np.array(column) for column in zip(*rows, strict=True))
        start, end = np.searchsorted(case_id, [ids[0], ids[-1] + 1])
        context[start:end] = contexts[np.searchsorted(ids, case_id[start:end])]
    return context


def _empty() -> History:
    whole, codes = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int8)
    return History(
        case_id=whole,
        revision=whole,
        at=whole,
        scores=np.zeros((0, len(labels.NAMES))),
        signals=whole,
        good=whole,
        context=whole,
        verdict=codes,
        version=whole,
        people=codes,
    )


def judge_all(history: History, policy: Policy) -> Codes:
    """Judge every text: the status that `policy.judge` gives each, as a number a text."""
    held = np.full(len(history), policy.mode is Mode.HOLD_EVERYTHING)
    rejected = np.zeros(len(history), dtype=np.bool_)
    for name, threshold in policy.thresholds.items():
        if threshold.hold is None and threshold.reject is None:
            continue
        score = history.scores[:, labels.NAMES.index(name)]
        # What is unknown is not published; and no comparison with NaN is true.
        held |= ~np.isfinite(score)
        usable = np.where(np.isfinite(score), score, -1.0)
        if threshold.hold is not None:
            held |= usable >= threshold.hold
        if threshold.reject is not None:
            rejected |= usable >= threshold.reject
    held |= (history.signals & _OTHER) != 0
    for code, means in policy.signals.items():
        if means is Means.NOTHING:
            continue
        seen = (history.signals & BIT[code]) != 0
        if code in policy.trust:
            seen &= history.good < policy.trust[code]
        if means is Means.REJECT:
            rejected |= seen
        else:
            held |= seen
    return np.where(rejected, REJECTED, np.where(held, HELD, PUBLISHED)).astype(np.int8)
