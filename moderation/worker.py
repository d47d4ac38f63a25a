"""One round of scoring: claim, score, judge, record. Killed anywhere, it loses nothing."""

import contextlib
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import timedelta
from time import monotonic
from typing import Any

import structlog
from sqlalchemy import null, select, update
from sqlalchemy.orm import Session

from moderation import (
    calibrations,
    cases,
    decisions,
    harmless,
    lineup,
    policies,
    quotes,
    rehearsals,
    scoring_queue,
    wordlist,
)
from moderation.classifier import Classifier
from moderation.decisions import Kind
from moderation.explain import explain
from moderation.policy import Finding, Signal, Status, nearness
from moderation.quotes import Quotable
from moderation.reading import Evidence, Found, Quotables, Witness, read
from moderation.rescoring import Rescoring
from moderation.scoring_queue import MAX_ATTEMPTS, Claim
from moderation.tables import Case, PolicyVersion, Score, time_of

log = structlog.get_logger("moderation.worker")

# Opens a session in a transaction that commits at the end of the block.
Transaction = Callable[[], AbstractContextManager[Session]]


class Worker:
    """Scores what waits, and where nothing does, finds out which words carried the scores.

    While it has nothing to do at all it reads the identity suite, a few sentences at a time, so
    that a policy can be checked before it counts. A policy whose numbers are for another classifier
    is not applied: every text is held.

    `wake` makes it look at once; `stop` ends it after the present batch.
    """

    def __init__(
        self,
        transaction: Transaction,
        classifier: Classifier,
        *,
        at_once: int = 16,
        lease_for: timedelta = timedelta(seconds=60),
        look_every: float = 0.5,
        quotables: Quotables = lambda _session, _cases: {},
        witness: Witness = lambda _session, _cases: {},
    ) -> None:
        self.transaction = transaction
        # As it was loaded, and as the site uses it: with its own calibration, if it has one.
        self._loaded = self.classifier = classifier
        self.at_once = at_once
        self.lease_for = lease_for
        self.look_every = look_every
        self.quotables = quotables
        self.witness = witness
        # Its row in the table of classifiers, and whether it has yet to read what others judged.
        self._row = 0
        self._behind = False
        self._rescoring = Rescoring(transaction, quotables)
        self._suite = harmless.Reading(transaction, classifier)
        self.scored = 0
        self.failures = 0
        # When the worker last finished a round, by the monotonic clock; the host asks for it.
        self.last_round = monotonic()
        self._wordlist: wordlist.Matcher | None = None
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
                if not busy:
                    # And then it waits all the same: nobody is in a hurry for these.
                    self._suite.piece()
            # The database may be away, or anything else: the worker says so and goes on.
            except Exception as problem:
                log.exception("worker_round_failed", problem=type(problem).__name__)
                self._stopping.wait(self.look_every)
                continue
            if not busy:
                self._something_to_do.wait(self.look_every)

    def round(self) -> int:
        """Score one batch, or explain one score, or catch up; return how many texts, 0 if none."""
        with self.transaction() as session:
            self.classifier = calibrations.applied(session, self._loaded)
            row = self._takes_its_place(session)
            claims = scoring_queue.claim(session, at_most=self.at_once, lease_for=self.lease_for)
            quotables = self.quotables(session, [claim.case_id for claim in claims])
            if claims:
                self._wordlist = wordlist.in_force(session, self._wordlist)
        if row != self._row:
            self._row, self._behind = row, True
        # No transaction is open while the classifier works.
        spent = [claim for claim in claims if claim.attempts > MAX_ATTEMPTS]
        found, errors = self._score([claim for claim in claims if claim not in spent], quotables)
        if claims:
            with self.transaction() as session:
                policy = policies.in_force(session)
                trial = rehearsals.running(session, self._row)
                # Asked after the policy, so that of an adoption in between at least one is new:
                # scores of the old scale must not meet thresholds of the new one.
                if calibrations.applied(session, self._loaded).version != self.classifier.version:
                    errors |= dict.fromkeys(found, "the calibration was changed meanwhile")
                    found = {}
                # In the transaction that decides, so that it is not older than the verdict.
                known = self.witness(session, [c.case_id for c in claims if c.job_id in found])
                for claim in spent:
                    _park(session, claim, claim.last_error or "the worker was stopped each time")
                for claim in claims:
                    if claim.job_id in found:
                        evidence = known.get(claim.case_id, Evidence())
                        known_too = found[claim.job_id].beside(evidence)
                        self._record(session, claim, known_too, policy, trial)
                    elif claim.job_id in errors:
                        _fail(session, claim, errors[claim.job_id])
        self.scored += len(found)
        self.failures += len(errors)
        done = len(claims) or self._explain() or self._catch_up()
        self.last_round = monotonic()
        return done

    def _takes_its_place(self, session: Session) -> int:
        """Return the row of the classifier; where it is new, note that it decides from now on."""
        row = lineup.row_of(session, self.classifier.name, self.classifier.version)
        if row != self._row:
            lineup.decides(session, row)
            misfit = policies.misfit(session)
            if misfit is not None:
                log.error("policy_for_another_classifier", problem=misfit.in_words())
        return row

    def _catch_up(self) -> int:
        """Let a classifier that is new score what another one judged; 0 if nothing is left.

        So thresholds can be compared and translated, and the page of the policy shows its scores.
        """
        if not self._behind:
            return 0
        done = self._rescoring.round(self.classifier, self._row)
        self._behind = done > 0
        return done

    def _score(
        self, claims: list[Claim], quotables: Mapping[int, Quotable]
    ) -> tuple[dict[int, Found], dict[int, str]]:
        """Score the texts together; if that breaks, one by one, so that one hurts only itself."""
        if not claims:
            return {}, {}
        try:
            return self._read(claims, quotables), {}
        # Whatever a classifier raises must not lose the batch nor publish it.
        except Exception as problem:
            log.warning("batch_not_scored", size=len(claims), problem=type(problem).__name__)
        found: dict[int, Found] = {}
        errors: dict[int, str] = {}
        for claim in claims:
            try:
                found |= self._read([claim], quotables)
            except Exception as problem:
                errors[claim.job_id] = type(problem).__name__
        return found, errors

    def _read(self, claims: list[Claim], quotables: Mapping[int, Quotable]) -> dict[int, Found]:
        texts = [(claim.text, quotables.get(claim.case_id, Quotable())) for claim in claims]
        return {
            claim.job_id: found.beside(Evidence(self._listed(found.own)))
            for claim, found in zip(claims, read(self.classifier, texts), strict=True)
        }

    def _listed(self, text: str) -> tuple[Signal, ...]:
        return self._wordlist.signals(text) if self._wordlist else ()

    def _record(
        self,
        session: Session,
        claim: Claim,
        found: Found,
        policy: PolicyVersion,
        trial: rehearsals.Trial | None = None,
    ) -> None:
        if not scoring_queue.finish(session, claim):
            return
        case = session.scalars(
            select(Case).where(Case.id == claim.case_id, Case.revision == claim.revision)
        ).one_or_none()
        if case is None:
            return
        score = found.row(session, claim.case_id, claim.revision, self._row)
        session.add(score)
        if case.status != Status.PENDING:
            return
        scope = found.scope(case.context, at=time_of(session))
        verdict = in_force = policies.judged(policy, self._row, found.scores, found.signals, scope)
        said = trial.judge(case, found.scores, found.signals, scope) if trial else None
        decisive = trial if trial and said and said.decides else None
        if decisive and said:
            verdict = said.verdict
        with contextlib.suppress(decisions.Stale):  # Somebody was faster: the same as above.
            decisions.decide(
                session,
                case.id,
                Kind.VERDICT,
                verdict.status,
                version=case.version,
                findings=verdict.findings,
                policy_version=None if decisive else policy.id,
                rehearsal=decisive.id if decisive else None,
                classifier=self._row,
                nearness=nearness(found.scores, (decisive or policy).policy, scope),
            )
            if trial and said:
                trial.keep(session, case, said, in_force)
            if verdict.status is not Status.PUBLISHED:
                score.why = null()

    def _explain(self) -> int:
        """Find out for one held text which words carried its scores; 0 if none is left."""
        with self.transaction() as session:
            waiting = session.execute(
                select(Score.case_id, Score.revision, Score.classifier_id, Score.quoted, Case.text)
                .join(Case, Case.id == Score.case_id)
                .where(
                    Score.why.is_(null()),
                    Score.classifier_id == self._row,
                    Case.revision == Score.revision,
                )
                .order_by(Score.case_id)
                .limit(1)
            ).one_or_none()
            if waiting is None:
                return 0
            ground = cases.grounds(session, [waiting.case_id])[waiting.case_id]
        # No transaction is open while the classifier works.
        why: dict[str, Any] = {}
        try:
            over = [
                finding["label"]
                for finding in ground.decision.findings
                if finding["code"] in ("above_hold", "above_reject")
            ]
            spans = waiting.quoted["spans"] if waiting.quoted else ()
            said = quotes.split(waiting.text, [(start, end) for start, end in spans])
            for label, reason in explain(self.classifier, said.own, over).items():
                why[label] = reason.placed(said.spans_in_text).to_json()
        # Without its marks a case can be decided all the same.
        except Exception as problem:
            log.warning("not_explained", case_id=waiting.case_id, problem=type(problem).__name__)
        with self.transaction() as session:
            session.execute(
                update(Score)
                .where(
                    Score.case_id == waiting.case_id,
                    Score.revision == waiting.revision,
                    Score.classifier_id == waiting.classifier_id,
                )
                .values(why=why)
                .execution_options(synchronize_session=False)
            )
        return 1


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
