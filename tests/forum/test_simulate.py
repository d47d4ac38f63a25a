"""Policies as files, and what they would have done."""

import json
from pathlib import Path

import pytest

from forum import articles
from forum.articles import ArticleText
from forum.database import Database
from moderation import cases, decisions, policies
from moderation.classifier import Classifier
from moderation.decisions import Kind
from moderation.policy import Status
from moderation.tables import Case
from moderation.worker import Worker
from tests.commands import Forum


@pytest.fixture
def exported(prepared: Forum, tmp_path: Path) -> Path:
    """The policy in force, as a file."""
    file = tmp_path / "policy.json"
    file.write_text(prepared("policy", "export").out, encoding="utf-8")
    return file


@pytest.fixture
def commented(prepared: Forum, classifier: Classifier) -> None:
    """Three comments under an article, two of them held; a moderator removed one."""
    database = Database("sqlite:///forum.db")
    with database.writing() as session:
        articles.store(session, ArticleText("tea", "Tea", "Life / Food", "Milk first.", None))
        (tea,) = articles.of_section(session, "life/food")
        said = ["What a lovely cup of tea.", "You stupid idiot, shut up.", "You idiot."]
        ids = [cases.open_case(session, text, author=1, context=tea) for text in said]
    Worker(database.writing, classifier).round()
    with database.writing() as session:
        version = session.get_one(Case, ids[1]).version
        decisions.decide(session, ids[1], Kind.REJECT, Status.REJECTED, version=version, actor=1)
    database.close()


def changed(file: Path, **thresholds: float | None) -> Path:
    """The policy of a file with other hold thresholds; all other labels never hold."""
    told = json.loads(file.read_text(encoding="utf-8"))
    told["policy"]["thresholds"] = {
        name: {"hold": thresholds.get(name), "reject": None}
        for name in told["policy"]["thresholds"]
    }
    file.write_text(json.dumps(told), encoding="utf-8")
    return file


def test_a_policy_goes_out_as_a_file_and_comes_back(prepared: Forum, exported: Path) -> None:
    assert "Nothing was saved" in prepared("policy", "import", str(exported)).out

    file = str(changed(exported, toxicity=0.5))
    refused = prepared("policy", "import", file)
    assert refused.status == 1
    assert "has read 0 of the" in refused.err and "--accept-unfair REASON" in refused.err
    yes = ("--note", "Reviewed", "--accept-unfair", "Urgent.")
    done = prepared("policy", "import", file, *yes)

    assert (done.status, done.err) == (0, "")
    assert "as version 2" in done.out
    database = Database("sqlite:///forum.db")
    with database.reading() as session:
        saved = policies.in_force(session)
    database.close()
    assert (saved.note, saved.fairness["reason"]) == ("Reviewed", "Urgent.")
    assert saved.policy.thresholds["toxicity"].hold == 0.5
    assert json.loads(prepared("policy", "export", "1").out)["version"] == 1


def test_a_file_that_looked_at_an_older_version_is_refused(prepared: Forum, exported: Path) -> None:
    yes = ("--accept-unfair", "Urgent.")
    prepared("policy", "import", str(changed(exported, toxicity=0.5)), *yes)

    file = str(changed(exported, toxicity=0.6))
    refused = prepared("policy", "import", file, "--based-on", "1")

    assert refused.status == 1
    assert "Version 2 is in force, not 1. Nothing was saved." in refused.err


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("no JSON", "is not JSON"),
        ("[" * 50_000, "is not JSON"),
        ("{}", "The policy must be an object"),
        ('{"policy": {"mode": "maybe", "thresholds": {}}}', "“mode” must be one of"),
        ('{"policy": {"mode": "hold_everything"}}', "“thresholds” must be an object"),
        (
            '{"policy": {"mode": "hold_everything", "thresholds": {"toxicity": {"hold": "high"}}}}',
            "“hold” of “toxicity” must be a number",
        ),
        (
            '{"policy": {"mode": "hold_everything", "thresholds": {"toxicity": {"hold": 1.5}}}}',
            "must lie between 0 and 1",
        ),
        (
            '{"policy": {"mode": "hold_everything", "thresholds": {"rudeness": {}}}}',
            "no label called rudeness",
        ),
        (
            '{"policy": {"mode": "hold_everything", "thresholds": {}, "signals": {"link": "ban"}}}',
            "“link” can mean hold, nothing",
        ),
        (
            '{"policy": {"mode": "hold_everything", "thresholds": {}, "trust": {"link": "many"}}}',
            "must be a whole number",
        ),
        ('{"policy": {"mode": "hold_everything", "thresholds": {}, "x": 1}}', "has no “x”"),
        ('{"policy": {"mode": "hold_everything", "thresholds": {}}}', "names no classifier"),
    ],
)
def test_a_file_that_is_no_policy_is_refused_in_words(
    prepared: Forum, tmp_path: Path, content: str, says: str
) -> None:
    file = tmp_path / "policy.json"
    file.write_text(content, encoding="utf-8")

    refused = prepared("policy", "import", str(file))

    assert refused.status == 1
    assert says in refused.err
    assert "Traceback" not in refused.err


def test_a_simulation_counts_what_would_go_another_way(
    prepared: Forum, exported: Path, commented: None
) -> None:
    shown = prepared("simulate", str(changed(exported)), "--since", "1d")

    assert (shown.status, shown.err) == (0, "")
    assert "Published\t1\t3\t+2\n" in shown.out
    # What a day is like: two held ones take a minute, and of the rest nothing is known.
    assert "Work of moderators\t1 minute\t0 minutes\n" in shown.out
    assert "Published that people would remove\tneeds at least 1 more audited comment" in shown.out
    assert "2 held would be published; of these people kept 0 and removed 1." in shown.out
    assert "2 of 3 comments since" in shown.out
    assert "Not checked yet: the classifier has read 0 of the" in shown.out
    told = json.loads(prepared("simulate", str(exported), "--json").out)
    assert told["then"] == {"published": 3, "held": 0, "rejected": 0}
    assert told["changes"][0]["removed_by_people"] == 1
    assert told["a_day"]["now"]["held"] == 2.0
    assert told["a_day"]["now"]["misses"] == {"missing": 1}
    assert told["seconds_each"] == 30.0


def test_a_simulation_of_what_is_in_force_changes_nothing(
    prepared: Forum, exported: Path, commented: None
) -> None:
    assert "0 of 3 comments" in prepared("simulate", str(exported)).out


def test_a_simulation_can_be_of_one_section(
    prepared: Forum, exported: Path, commented: None
) -> None:
    food = prepared("simulate", str(exported), "--section", "life")
    none = prepared("simulate", str(exported), "--section", "sports")

    assert "0 of 3 comments" in food.out
    assert none.status == 1
    assert "No article is in the section" in none.err


@pytest.mark.parametrize("since", ["soon", "0d", "-3d", "99999999w"])
def test_a_time_that_is_none_is_explained(prepared: Forum, exported: Path, since: str) -> None:
    refused = prepared("simulate", str(exported), f"--since={since}")

    assert refused.status == 1
    assert "as in 12h, 90d or 8w" in refused.err


def test_a_site_without_comments_has_nothing_to_simulate(prepared: Forum, exported: Path) -> None:
    refused = prepared("simulate", str(exported))

    assert refused.status == 1
    assert "No comment was scored in this time." in refused.err


def test_a_policy_of_a_file_is_rehearsed_shown_and_stopped(
    prepared: Forum, exported: Path, classifier: Classifier
) -> None:
    file = str(changed(exported))
    assert "No policy has been rehearsed" in prepared("policy", "rehearsal").err
    assert "--accept-unfair" in prepared("policy", "rehearse", file, "--share", "0.2").err
    assert "as in 12h, 7d or 2w" in prepared("policy", "rehearse", file, "--for", "soon").err
    assert "0 to 90%" in prepared("policy", "rehearse", file, "--share", "-1").err
    begun = prepared("policy", "rehearse", file, "--for", "2w", "--note", "Elections")
    assert (begun.status, begun.err) == (0, "")

    database = Database("sqlite:///forum.db")
    with database.writing() as session:
        for text in ("What a lovely cup of tea.", "You stupid idiot, shut up."):
            cases.open_case(session, text, author=1, context=1)
    Worker(database.writing, classifier).round()
    database.close()

    shown = prepared("policy", "rehearsal").out
    assert "Rehearsal 1, beside version 1, runs until" in shown
    assert "Published\t1\t2" in shown
    assert "On 1 of 2 comments the two differ." in shown
    assert "Another rehearsal runs" in prepared("policy", "rehearse", file).err
    assert "ended" in prepared("policy", "rehearsal", "--stop").out
    assert "No rehearsal runs" in prepared("policy", "rehearsal", "--stop").err
