"""One round of scoring: claim, score, judge, record. Killed anywhere, it loses nothing."""

import contextlib
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from time import monotonic

import structlog
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from moderation import decisions, policies, scoring_queue
from moderation.classifier import Classifier
from moderation.decisions import Kind
from moderation.labels import Scores
from moderation.policy import Finding, Status, judge
from moderation.scoring_queue import MAX_ATTEMPTS, Claim
from moderation.tables import Case, ClassifierVersion, Score, time_of

log = structlog.get_logger("moderation.worker")

# Opens a session in a transaction that commits at the end of the block.
Transaction = Callable[[], AbstractContextManager[Session]]


class Worker:
    """Scores what waits. `wake` makes it look at once; `stop` ends it after the present batch."""

    def __init__(
        self,
        transaction: Transaction,
        classifier: Classifier,
        *,
        at_once: int = 16,
        lease_for: timedelta = timedelta(seconds=60),
        look_every: float = 0.5,
    ) -> None:
        self.transaction = transaction
        self.classifier = classifier
        self.at_once = at_once
        self.lease_for = lease_for
        self.look_every = look_every
        self.scored = 0
        self.failures = 0
        # When the worker last finished a round, by the monotonic clock; the host asks for it.
        self.last_round = monotonic()
        self._something_to_do = threading.Event()
        self._stopping = threading.Event()

    def wake(self) -> None:
        """Tell the worker that there is something to do."""
        self._something_to_do.set()

    def stop(self) -> None:
        """Tell the worker to end."""
        self._stopping.set()
        self._something_to_do.set()

    def run(self) -> None:
        """Work until told to stop. A database that is away is waited for, and said so."""
        while not self._stopping.is_set():
            self._something_to_do.clear()
            try:
                busy = self.round() > 0
            # The database may be away, or anything else: the worker says so and goes on.
            except Exception as problem:
                log.exception("worker_round_failed", problem=type(problem).__name__)
                self._stopping.wait(self.look_every)
                continue
            if not busy:
                self._something_to_do.wait(self.look_every)

    def round(self) -> int:
        """Score one batch and return how many jobs were in it; 0 means nothing was waiting."""
        with self.transaction() as session:
            claims = scoring_queue.claim(session, at_most=self.at_once, lease_for=self.lease_for)
        # No transaction is open while the classifier works.
        spent = [claim for claim in claims if claim.attempts > MAX_ATTEMPTS]
        scores, errors = self._score([claim for claim in claims if claim not in spent])
        if claims:
            with self.transaction() as session:
                for claim in spent:
                    _park(session, claim, claim.last_error or "the worker was stopped each time")
                for claim in claims:
                    if claim.job_id in scores:
                        self._record(session, claim, scores[claim.job_id])
                    elif claim.job_id in errors:
                        _fail(session, claim, errors[claim.job_id])
        self.scored += len(scores)
        self.failures += len(errors)
        self.last_round = monotonic()
        return len(claims)

    def _score(self, claims: list[Claim]) -> tuple[dict[int, Scores], dict[int, str]]:
        """Score the texts together; if that breaks, one by one, so that one hurts only itself."""
        if not claims:
            return {}, {}
        try:
            together = self.classifier.score([claim.text for claim in claims])
        # Whatever a classifier raises must not lose the batch nor publish it.
        except Exception as problem:
            log.warning("batch_not_scored", size=len(claims), problem=type(problem).__name__)
        else:
            return {claim.job_id: s for claim, s in zip(claims, together, strict=True)}, {}
        scores: dict[int, Scores] = {}
        errors: dict[int, str] = {}
        for claim in claims:
            try:
                scores[claim.job_id] = self.classifier.score([claim.text])[0]
            except Exception as problem:
                errors[claim.job_id] = type(problem).__name__
        return scores, errors

    def _record(self, session: Session, claim: Claim, scores: Scores) -> None:
        if not scoring_queue.finish(session, claim):
            return
        case = session.scalars(
            select(Case).where(Case.id == claim.case_id, Case.revision == claim.revision)
        ).one_or_none()
        if case is None:
            return
        classifier = _classifier_version(session, self.classifier)
        session.add(
            Score(
                case_id=case.id,
                revision=claim.revision,
                classifier_id=classifier,
                scored_at=time_of(session),
                **scores,
            )
        )
        if case.status != Status.PENDING:
            return
        version = policies.in_force(session)
        verdict = judge(scores, (), version.policy)
        with contextlib.suppress(decisions.Stale):  # Somebody was faster: the same as above.
            decisions.decide(
                session,
                case.id,
                Kind.VERDICT,
                verdict.status,
                version=case.version,
                findings=verdict.findings,
                policy_version=version.id,
                classifier=classifier,
            )


def _fail(session: Session, claim: Claim, error: str) -> None:
    if claim.attempts >= MAX_ATTEMPTS:
        _park(session, claim, error)
    else:
        scoring_queue.give_back(session, claim, error)


def _park(session: Session, claim: Claim, error: str) -> None:
    """Hold a case that could not be scored: a person looks at what the machine could not."""
    if not scoring_queue.finish(session, claim):
        return
    case = session.get_one(Case, claim.case_id)
    if case.status != Status.PENDING:
        return
    log.error("case_parked", case_id=case.id, attempts=claim.attempts, problem=error)
    with contextlib.suppress(decisions.Stale):  # Somebody was faster, so a person has looked.
        decisions.decide(
            session,
            case.id,
            Kind.PARK,
            Status.HELD,
            version=case.version,
            findings=[
                Finding(
                    "scoring_failed",
                    words=f"The classifier failed {MAX_ATTEMPTS} times on this text ({error}), "
                    "so it was never scored.",
                )
            ],
            policy_version=policies.in_force(session).id,
        )


def _classifier_version(session: Session, classifier: Classifier) -> int:
    """Return the row number of this classifier, making the row when it is new here."""
    wanted = {"name": classifier.name, "version": classifier.version}
    found = session.scalar(select(ClassifierVersion.id).filter_by(**wanted))
    if found is None:
        row = ClassifierVersion(**wanted)
        try:
            with session.begin_nested():
                session.add(row)
                session.flush()
        except IntegrityError:  # Another worker made it this very moment.
            return session.scalars(select(ClassifierVersion.id).filter_by(**wanted)).one()
        found = row.id
    return found
