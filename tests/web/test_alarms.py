"""Alarms: seen once, told once, acknowledged, over; and drift, with what it is reckoned from."""

import hashlib
import hmac
import json
import threading
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest
from sqlalchemy import insert, select

from forum import alarms, articles, mail, scoredays, workload
from forum.accounts import Role
from forum.mail import Sender
from forum.tables import Alarm, AlarmCall, Article, ScoreDay, VerdictDay
from forum.web.lookout import Lookout
from forum.webhook import Caller
from moderation import labels, limits, lineup, policies, predictions
from moderation.limits import Limits
from moderation.policy import Policy, Threshold
from moderation.tables import Case, Decision, Notice, Score
from tests.people import TEA, words


@pytest.fixture
def ada(site):
    """An admin who gets mail."""
    ada = site.person("Ada", Role.ADMIN)
    with site.database.writing() as session:
        account = mail.Viewer(ada.account_id, "Ada", "admin", must_change_password=False)
        mail.set_address(session, account, "ada@example.org")
        mail.confirm(session, mail.address_of(session, ada.account_id).token)
    return ada


@pytest.fixture
def look(site):
    """Let the server look, as it does each minute."""
    return site.state.lookout.look


class OtherSide(HTTPServer):
    """A program of the operator's; `answers` are the statuses that it gives, the last for good."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Answer)
        self.answers, self.got = [200], []
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Answer(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.got.append((self.path, self.headers["x-forum-signature"], body))
        answers = self.server.answers
        self.send_response(answers.pop(0) if len(answers) > 1 else answers[0])
        self.send_header("location", "/elsewhere")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def other_side():
    server = OtherSide()
    yield server
    server.shutdown()
    server.server_close()


def judged(database, at, count, *, shape=6.0, findings=None, status="published", seed=0, **more):
    """Write cases that were scored and judged within some hours, as the worker does."""
    chance = np.random.default_rng(seed)
    scores = chance.random((count, 2)) ** np.array([[6.0, shape]])
    with database.writing() as session:
        classifier = lineup.row_of(session, "told", "1")
        lineup.decides(session, classifier)
        policy = policies.in_force(session)
        policy.classifier_id = classifier
        context = session.scalar(select(Article.id).limit(1))
        first = (session.scalar(select(Case.id).order_by(Case.id.desc()).limit(1)) or 0) + 1
        ids = range(first, first + count)
        session.execute(
            insert(Case),
            [
                {
                    "id": number,
                    "text": "Tea.",
                    "status": status,
                    "author": 1,
                    "context": context,
                    "script": "latin",
                    "opened_at": at,
                }
                for number in ids
            ],
        )
        session.execute(
            insert(Score),
            [
                {
                    "case_id": number,
                    "revision": 1,
                    "classifier_id": classifier,
                    "scored_at": at,
                    "toxicity": float(toxicity),
                    "insult": float(insult),
                }
                for number, (toxicity, insult) in zip(ids, scores, strict=True)
            ],
        )
        session.execute(
            insert(Decision),
            [
                {
                    "case_id": number,
                    "revision": 1,
                    "at": at,
                    "kind": "verdict",
                    "from_status": "pending",
                    "to_status": status,
                    "findings": findings or [],
                    "policy_version_id": policy.id,
                    "classifier_id": classifier,
                }
                | more
                for number in ids
            ],
        )


def open_alarms(database):
    with database.reading() as session:
        found = session.scalars(select(Alarm).where(Alarm.cleared_at.is_(None)).order_by(Alarm.id))
        return {alarm.kind: alarm for alarm in found}


def counted(person):
    return person.client.get("/metrics", headers={"authorization": "Bearer token"}).text


def mails(folder):
    found = sorted(folder.glob("*.eml"), key=lambda file: int(file.stem.split("-")[1]))
    return [message_from_bytes(file.read_bytes(), policy=default) for file in found]


@pytest.mark.site(metrics_token="token")
def test_silence_is_told_once_everywhere_until_it_is_over(
    site, ada, look, clock, work, tmp_path, other_side
):
    address = f"http://127.0.0.1:{other_side.server_address[1]}/alarms?room=1"
    settings = site.settings.model_copy(
        update={
            "mail_folder": str(tmp_path),
            "mail_sender": "comments@news.example",
            "alarm_webhook": address,
            "alarm_webhook_secret": type(site.settings.mail_password)("a key of ours"),
        }
    )
    one, two = Lookout(site.database, settings), Lookout(site.database, settings)
    sender, caller = (each(site.database.writing, settings) for each in (Sender, Caller))
    ada.comments("Milk goes in first.")
    one.look()
    assert "Nothing is wrong" in ada.reads("/admin/alarms")
    assert "Watch !" not in ada.reads("/admin/alarms")

    clock.turn(minutes=11)
    for lookout in (one, two, one, site.state.lookout):
        lookout.look()
    sender.round(), caller.round()

    page = ada.reads("/admin/alarms")
    assert "Watch ! 1" in page
    assert "1 comment waits for scores, and none was scored for 10 minutes." in page
    assert 'forum_alarms{kind="silence"} 1.0' in counted(ada)
    told = mails(tmp_path)[-1]
    assert told["To"] == "ada@example.org"
    assert told["Subject"].startswith("Alarm: Nothing is scored")
    ((path, signed, body),) = other_side.got
    assert path == "/alarms?room=1"
    assert signed == "sha256=" + hmac.new(b"a key of ours", body, hashlib.sha256).hexdigest()
    said = json.loads(body)
    assert (said["event"], said["alarm"]["kind"]) == ("opened", "silence")
    assert "Nothing is scored" not in ada.reads("/notices")

    alarm = open_alarms(site.database)["silence"]
    assert "Acknowledged by Ada" in words(ada.sends(f"/admin/alarms/{alarm.id}").text)
    assert "Watch !" not in ada.reads("/admin/alarms")

    work()
    clock.turn(minutes=11)
    for lookout in (two, one):
        lookout.look()
    sender.round(), caller.round()

    page = ada.reads("/admin/alarms")
    assert "Nothing is wrong" in page
    assert "Over Nothing is scored" in page.replace("What Since Over Acknowledged by ", "").replace(
        "Alarms that are over, newest first ", ""
    )
    assert [told["Subject"].split(":")[0] for told in mails(tmp_path)[-2:]] == ["Alarm", "Over"]
    assert [json.loads(body)["event"] for _, _, body in other_side.got] == ["opened", "cleared"]
    assert 'forum_alarms{kind="silence"} 0.0' in counted(ada)


def test_a_call_that_is_not_taken_is_tried_again_and_no_redirect_is_followed(
    site, clock, other_side
):
    settings = site.settings.model_copy(
        update={"alarm_webhook": f"http://127.0.0.1:{other_side.server_address[1]}"}
    )
    caller = Caller(site.database.writing, settings)
    with site.database.writing() as session:
        now = clock()
        session.add(AlarmCall(body={"event": "opened"}, at=now, ready_at=now))
    other_side.answers = [302, 500, 204]

    for _ in range(3):
        assert caller.round() == 1
        assert caller.round() == 0
        clock.turn(minutes=6)

    assert [path for path, _, _ in other_side.got] == ["/"] * 3
    assert len({body for _, _, body in other_side.got}) == 1
    with site.database.reading() as session:
        call = session.scalars(select(AlarmCall)).one()
        assert (call.attempts, call.last_error, call.ready_at) == (3, "", None)
    clock.turn(days=1)
    assert caller.round() == 0


def test_one_listed_word_that_holds_most_is_named(site, ada, look, clock):
    tea = [{"code": "listed_hold", "words": "It has “tea”, on the list of words to hold."}]
    score = [{"code": "above_hold", "label": "insult", "score": 0.5, "threshold": 0.1}]
    judged(site.database, clock() - timedelta(hours=3), 60, findings=tea, status="held")
    judged(site.database, clock() - timedelta(hours=3), 15, findings=score, status="held")
    look()
    assert "one_ground" not in open_alarms(site.database), "it is not counted yet"

    while True:
        with site.database.writing() as session:
            if not workload.catch_up(session):
                break
    look()

    alarm = open_alarms(site.database)["one_ground"]
    assert "60 of 75 comments held within 24 hours (80.0 %)" in alarm.words
    assert "“tea”" in alarm.words
    assert "Try shows" in ada.reads("/admin/alarms")


@pytest.fixture
def weeks(site, clock):
    """Five weeks of which the last has higher scores for insult, and held more on its last day."""
    clock.now = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
    with site.database.writing() as session:
        policies.in_force(session).adopted_at = clock.now - timedelta(days=60)
    for back in range(35, 0, -1):
        at = clock.now - timedelta(days=back)
        shape = 2.5 if back <= 7 else 6.0
        judged(site.database, at, 60, shape=shape, seed=back)
        judged(
            site.database, at, 40 if back == 1 else 6, shape=shape, seed=100 + back, status="held"
        )
    return site


def test_drift_and_an_odd_hold_rate_are_found_in_the_days_that_are_counted(weeks, ada, look):
    look()

    with weeks.database.reading() as session:
        found = list(session.scalars(select(Alarm).where(Alarm.kind == "drift")))
        counts = [
            (row.day, row.part, row.name, row.label, tuple(row.counts))
            for row in session.scalars(select(ScoreDay).order_by(*ScoreDay.__table__.primary_key))
        ]
        verdicts = [(row.day, row.judged, row.held) for row in session.scalars(select(VerdictDay))]
    (alarm,) = found
    assert alarm.title == "The scores of Insult have moved"
    for part in ("All comments", "Written in Latin", "Section Life"):
        assert part in alarm.words
    rate = open_alarms(weeks.database)["hold_rate"]
    assert "holds more than expected" in rate.title
    assert "On 21 November 2026 it held 40.0 % of 100 comments" in rate.words
    page = ada.reads("/admin/drift")
    assert "15 November 2026 to 21 November 2026" in page
    assert "Insult All comments" in page
    assert "drift" in page
    assert "Toxicity All comments" in page
    assert "as before" in page

    with weeks.database.writing() as session:
        scoredays.forget(session)
    look()
    with weeks.database.reading() as session:
        again = [
            (row.day, row.part, row.name, row.label, tuple(row.counts))
            for row in session.scalars(select(ScoreDay).order_by(*ScoreDay.__table__.primary_key))
        ]
        assert again == counts
        assert [(r.day, r.judged, r.held) for r in session.scalars(select(VerdictDay))] == verdicts
    assert len(counts) == 35 * 3 * len({"toxicity", "insult"} & set(labels.NAMES))


def test_a_reference_that_reaches_into_the_present_is_refused_in_words(weeks, ada, look):
    with weeks.database.writing() as session:
        limits.adopt(session, Limits(reference_from="2026-11-10"), author=1, based_on=0)
    look()
    page = ada.reads("/admin/drift")
    assert "The reference reaches into the last seven days" in page
    assert "10 November 2026 to 7 December 2026" in page


@pytest.mark.parametrize("predicted", [True, False])
def test_a_new_policy_is_expected_to_hold_what_it_would_have_held_before(site, clock, predicted):
    for back in range(20, 2, -1):
        judged(site.database, clock() - timedelta(days=back), 50, seed=back)
    with site.database.writing() as session:
        old = policies.in_force(session)
        policy = Policy({"insult": Threshold(hold=0.3)})
        expected = predictions.expect(session, policy, old.classifier_id)
        new = policies.adopt(
            session,
            policy,
            author=1,
            based_on=old.id,
            prediction=expected.to_json() if predicted else None,
        )
        new.adopted_at = clock() - timedelta(days=2)
        new.classifier_id = old.classifier_id
        scores = np.array(session.scalars(select(Score.insult)).all())
    with site.database.reading() as session:
        at = alarms.Look(session, 0, Limits(), UTC, False, alarms.Memory())
        new = policies.in_force(session)
        day = (clock() - timedelta(days=1)).date()
        said = alarms.expected_hold_rate(at, new, day, 100)
    assert said.value == pytest.approx((scores >= 0.3).mean(), abs=0.02)
    assert said.low < said.value < said.high < 0.5


def test_what_cannot_be_scored_or_sent_is_told_and_of_two_servers_one_tells_it(
    database, settings, clock
):
    settings = settings.model_copy(
        update={
            "alarm_webhook": "http://127.0.0.1:9",
            "mail_folder": "x",
            "mail_sender": "a@b.example",
        }
    )
    with database.writing() as session:
        articles.store(session, TEA)
    judged(database, clock(), 5, status="held", kind="park", classifier_id=None)
    stuck = {"at": clock(), "ready_at": clock(), "attempts": 3, "last_error": "It answered 500"}
    with database.writing() as session:
        session.add(AlarmCall(body={}, **stuck))
        session.add(Notice(account=1, kind="decision", **stuck))
    both, problems = threading.Barrier(2), []

    def looks():
        lookout = Lookout(database, settings)
        both.wait()
        try:
            lookout.look()
        except Exception as problem:
            problems.append(problem)

    servers = [threading.Thread(target=looks) for _ in range(2)]
    for server in servers:
        server.start()
    for server in servers:
        server.join()

    assert problems == []
    with database.reading() as session:
        found = [(alarm.kind, alarm.subject) for alarm in session.scalars(select(Alarm))]
        calls = [
            call.body["alarm"]["kind"] for call in session.scalars(select(AlarmCall)) if call.body
        ]
    assert sorted(found) == [("failures", ""), ("mail", "mail"), ("mail", "webhook")]
    assert sorted(calls) == ["failures", "mail", "mail"]


def test_limits_are_kept_in_versions_and_of_two_admins_one_is_refused(site, ada, look):
    page = ada.opens("/admin/alarms").text
    assert 'value="70"' in page
    given = {
        "silence": "30", "failures": "5", "share": "90", "least_holds": "50", "drift": "0,3",
        "reference_days": "28", "reference_from": "2026-10-01", "decisions": "500",
        "based_on": "0", "note": "Quieter",
    }  # fmt: skip
    saved = words(ada.sends("/admin/alarms", **given).text)
    assert "Saved. They count from the next look on" in saved
    assert "“Quieter”" in saved or "Quieter" in saved

    late = ada.sends("/admin/alarms", **given | {"silence": "44"})
    assert late.status_code == 409
    assert 'value="44"' in late.text
    assert "In force now is version 1" in words(late.text)

    for name, typed, says in (
        ("silence", "soon", "Minutes without a score needs a number."),
        ("silence", "1.5", "it must be a whole number"),
        ("share", "nan", "between 10 and 100"),
        ("drift", "1e999", "between 0.01 and 10"),
        ("reference_from", "yesterday", "a day like 2026-11-22"),
        ("reference_from", "9999-12-31", "a day like 2026-11-22"),
    ):
        wrong = ada.sends("/admin/alarms", **given | {name: typed, "based_on": "1"})
        assert wrong.status_code == 422
        assert says in words(wrong.text)
        assert f'value="{typed}"' in wrong.text
    assert ada.sends("/admin/alarms/7").status_code == 404
