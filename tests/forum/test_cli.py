"""The command `forum`: what each command does, and that every refusal says what to do."""

import gzip
import json
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from forum import suggestions
from forum.database import Database
from moderation import evaluation
from moderation.policy import DEFAULT
from tests.commands import Forum

ARTICLE = "Tea is served\nNews / Town\n\nThere is tea.\n\nLeave a comment: Not `ours`.\n"


# setup


def test_setup_prints_address_name_and_password_once_and_loads_the_sample(forum: Forum) -> None:
    first = forum("setup")

    assert first.status == 0
    assert "http://127.0.0.1:8000" in first.out
    assert "Admin: admin" in first.out
    assert first.password
    assert forum("account", "list").out.splitlines()[1].startswith("admin\tadmin\t")

    again = forum("setup")

    assert again.status == 0
    assert "http://127.0.0.1:8000" in again.out
    assert "password" not in again.out.lower()
    assert first.password not in again.out + again.err


def test_the_sample_is_an_article_of_a_few_hundred_words(prepared: Forum, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "forum.db") as database:
        rows = database.execute(
            "SELECT title, section, body, text FROM articles"
            " JOIN disclaimers ON disclaimers.id = disclaimer_id"
        ).fetchall()
    database.close()

    ((title, section, body, disclaimer),) = rows
    assert title == "Night market moves into the old tram depot for the winter"
    assert section == "News / Saltmere"
    assert 300 <= len(body.split()) <= 500
    assert "`The Forum`" in disclaimer
    assert disclaimer not in body


def test_setup_leaves_a_site_with_articles_and_an_admin_as_it_is(
    prepared: Forum, tmp_path: Path
) -> None:
    prepared("account", "create", "Mona", "--role", "admin")
    with sqlite3.connect(tmp_path / "forum.db") as database:
        database.execute("UPDATE articles SET title = 'Ours'")
    database.close()

    assert "password" not in prepared("setup", "--admin", "somebody").out.lower()

    with sqlite3.connect(tmp_path / "forum.db") as database:
        assert database.execute("SELECT title FROM articles").fetchall() == [("Ours",)]
    database.close()


# accounts


def test_an_account_is_made_listed_and_given_another_role(prepared: Forum) -> None:
    made = prepared("account", "create", "Mona", "--role", "moderator")

    assert made.status == 0
    assert "Moderator: Mona" in made.out
    assert made.password
    assert "Mona is now an admin." in prepared("account", "role", "mona", "admin").out
    assert "Mona\tadmin\t" in prepared("account", "list").out


def test_a_lost_password_is_replaced(prepared: Forum) -> None:
    first = prepared("account", "create", "Mona").password

    assert prepared("account", "password", "Mona").password != first


def test_the_last_admin_keeps_the_role(prepared: Forum) -> None:
    refused = prepared("account", "role", "admin", "reader")

    assert refused.status == 1
    assert refused.err == "This is the last admin. Make another account an admin first.\n"


# ingest


def test_articles_are_loaded_and_counted(prepared: Forum, tmp_path: Path) -> None:
    (tmp_path / "news").mkdir()
    (tmp_path / "news" / "tea.txt").write_text(ARTICLE)

    planned = prepared("ingest", "news", "--dry-run")
    assert planned.out == (
        "new      news/tea.txt\n1 new, 0 changed, 0 the same. Nothing was written.\n"
    )
    assert prepared("ingest", "news").out == "1 new, 0 changed, 0 the same.\n"
    assert prepared("ingest", "news").out == "0 new, 0 changed, 1 the same.\n"


def test_files_that_cannot_be_loaded_are_named_and_the_others_load(
    prepared: Forum, tmp_path: Path
) -> None:
    (tmp_path / "tea.txt").write_text(ARTICLE)
    (tmp_path / "empty.txt").touch()
    (tmp_path / "\x1b[2J.txt").touch()

    ran = prepared("ingest", ".", "gone")

    assert ran.status == 1
    assert ran.out == "1 new, 0 changed, 0 the same, 3 not loaded.\n"
    assert ran.err.splitlines() == [
        "gone: There is no such file or folder.",
        "\\x1b[2J.txt: The file is empty.",
        "empty.txt: The file is empty.",
    ]


# the classifier


def test_a_text_is_scored_as_a_table_or_as_json(forum: Forum) -> None:
    table = forum("score", "You are a fool and an idiot.")
    assert table.status == 0
    assert re.search(r"^Toxicity\t0\.\d{4}$", table.out, re.MULTILINE)

    answer = json.loads(forum("score", "You are a fool and an idiot.", "--json").out)
    assert answer["scores"]["toxicity"] > 0.5
    assert answer["version"]


def test_the_words_that_carry_a_score_are_shown_as_a_table_or_as_json(forum: Forum) -> None:
    text = "You are an id\x1biot, dear neighbour, and the bus was late."
    table = forum("explain", text)
    assert table.status == 0
    assert re.search(r"^Toxicity\t0\.\d{4}\tid\\x1biot$", table.out, re.MULTILINE)
    assert "\x1b" not in table.out

    answer = json.loads(forum("explain", "شكرا جزيلا", "--json").out)
    assert answer["outside"] == "Arabic"
    answer = json.loads(forum("explain", "You idiot.", "--json").out)
    assert answer["outside"] == ""
    assert [4, 9] in answer["labels"]["toxicity"]["spans"]


def test_a_long_text_is_explained_by_the_part_that_scores_highest(forum: Forum) -> None:
    text = "The bus was late again and nobody knew why. " * 40 + "You stupid idiot."

    assert re.search(r"… .*You stupid idiot$", forum("explain", text).out, re.MULTILINE)


def test_the_classifier_is_measured_on_labelled_texts(forum: Forum, tmp_path: Path) -> None:
    with gzip.open(tmp_path / "labelled.csv.gz", "wt") as file:
        file.write("text,toxicity\nWhat a lovely day.,0\nYou stupid idiot!,1\nThank you.,0\n")

    ran = forum("evaluate", "labelled.csv.gz", "--only", "labelled")

    assert ran.status == 0
    assert re.search(r"^labelled\tROC-AUC, toxicity\t3, 1 with it\t.*\t1\.0000\t", ran.out, re.M)


def test_two_classifiers_are_measured_side_by_side_on_a_suite(forum: Forum) -> None:
    ran = forum(
        *("evaluate", "--only", "functional", "--by-function"),
        *("--classifier", "onnx", "--classifier", "onnx"),
    )

    head, *rows = [line.split("\t") for line in ran.out.splitlines()]
    assert head[:5] == ["On", "Measure", "Texts", "Yardstick", "To reach"]
    assert head[6::2] == ["Met", "Met"]
    area = next(row for row in rows if row[1] == "ROC-AUC, toxicity")
    assert area[4] == "at least 0.8500"
    assert area[5:7] == area[7:9]
    assert area[6] in {"yes", "no"}
    assert any(row[1] == "harmless: an insult denied" for row in rows)


def test_thresholds_are_chosen_from_labelled_texts(forum: Forum, tmp_path: Path) -> None:
    (tmp_path / "labelled.csv").write_text(
        "text,toxicity\nWhat a lovely day.,0\nYou stupid idiot!,1\nThank you.,0\n"
    )

    table = forum("evaluate", "labelled.csv", "--choose", "--only", "labelled").out
    said = json.loads(
        forum("evaluate", "labelled.csv", "--choose", "--only", "labelled", "--json").out
    )

    assert re.search(r"^Thresholds chosen for detoxify-mini, version \w+:$", table, re.M)
    chosen = said[0]["policy"]["thresholds"]["toxicity"]
    assert re.search(
        rf"^toxicity\t{chosen['hold']:g}\t1\.000\t1\.000\t1\.000\tnever\t", table, re.M
    )


# the policy


def test_the_policy_in_force_is_shown(prepared: Forum) -> None:
    shown = prepared("policy", "show")

    assert shown.status == 0
    assert "Version 1, since " in shown.out
    assert re.search(
        r"by the site, for detoxify-mini \w{12}\. Mode: publish unless held\.", shown.out
    )
    toxicity = DEFAULT.thresholds["toxicity"]
    assert f"Toxicity\t{toxicity.hold:g}\t" in shown.out


# errors


def test_nothing_is_made_by_a_command_that_needs_a_database(forum: Forum, tmp_path: Path) -> None:
    for command in (["serve"], ["work"], ["ingest", "."], ["policy", "show"], ["account", "list"]):
        refused = forum(*command)

        assert refused.status == 1
        assert refused.err == "There is no database at forum.db. Make one: 'forum setup'.\n"
    assert list(tmp_path.iterdir()) == []


def test_a_database_that_was_never_migrated_is_told_from_one_that_is_newer(
    forum: Forum, tmp_path: Path
) -> None:
    sqlite3.connect(tmp_path / "forum.db").execute("PRAGMA user_version=1").connection.close()
    assert "Run 'forum migrate' first." in forum("policy", "show").err
    assert forum("migrate").out == "Up to date: sqlite:///forum.db\n"

    with sqlite3.connect(tmp_path / "forum.db") as database:
        database.execute("UPDATE alembic_version SET version_num = 'tomorrow'")
    database.close()

    newer = forum("migrate")
    assert newer.status == 1
    assert newer.err == (
        "The database sqlite:///forum.db was made by another version of forum."
        " Install a newer version.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "environment", "words"),
    [
        ("setup", {"FORUM_PORT": "many"}, "FORUM_PORT: must be a whole number; it is 'many'."),
        ("setup", {"FORUM_DATABASE": "mysql://x/y"}, "must be sqlite:///FILE or postgresql://"),
        ("setup", {"FORUM_DATABASE": "sqlite:////gone/forum.db"}, "Look at FORUM_DATABASE."),
        (
            "account list",
            {"FORUM_DATABASE": "postgresql://me:secret@127.0.0.1:1/forum"},
            "The database postgresql+psycopg://me:***@127.0.0.1:1/forum cannot be used:",
        ),
        ("setup --admin ?!", {}, "A name has"),
        ("score hello --classifier nothing", {}, "There is no classifier 'nothing'."),
        ("score hello", {"FORUM_CLASSIFIER": "onnx:nowhere"}, "is missing"),
        ("evaluate gone.csv", {}, "gone.csv"),
        ("evaluate --only disguises", {}, "Name a file with labelled texts"),
        ("evaluate --choose", {}, "Name a file with labelled texts"),
        ("evaluate --only jokes", {}, "There is no suite 'jokes'. Use labelled, functional,"),
    ],
)
def test_a_refusal_is_one_line_that_says_what_to_do(
    forum: Forum, arguments: str, environment: dict[str, str], words: str
) -> None:
    refused = forum(*arguments.split(), **environment)

    assert refused.status == 1
    assert words in refused.err
    assert refused.err.count("\n") == 1
    assert "secret" not in refused.err


def test_refusals_about_accounts_name_them(prepared: Forum) -> None:
    assert prepared("account", "create", "admin").err.startswith("This name is taken")
    assert "no account called 'Nobody'" in prepared("account", "password", "Nobody").err
    assert "no account called 'Nobody'" in prepared("account", "role", "Nobody", "admin").err


def test_a_file_that_is_no_database_is_said_to_be_none(forum: Forum, tmp_path: Path) -> None:
    (tmp_path / "forum.db").write_text(ARTICLE * 100)

    refused = forum("account", "list")

    assert refused.status == 1
    assert "file is not a database" in refused.err


@pytest.mark.parametrize("arguments", [["brew"], ["ingest"], ["account", "role", "a", "king"]])
def test_wrong_usage_is_2(forum: Forum, arguments: list[str]) -> None:
    refused = forum(*arguments)

    assert refused.status == 2
    assert "Usage: forum" in refused.err


def test_help_answers_at_once_without_what_the_commands_need() -> None:
    program = """
import sys
from forum import cli
try:
    cli.main(["--help"])
finally:
    heavy = {"sqlalchemy", "numpy", "onnxruntime", "torch", "starlette", "rich", "pydantic"}
    sys.stderr.write(" ".join(sorted(heavy & set(sys.modules))))
"""
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert "ingest" in ran.stdout
    assert ran.stderr == ""


def test_the_version_is_told(forum: Forum) -> None:
    assert re.fullmatch(r"forum \d+\.\d+\.\d+\n", forum("--version").out)


# keys of the score API


def test_a_key_is_shown_once_and_listed_without_itself(prepared: Forum) -> None:
    made = prepared("key", "create", "coral", "--a-minute", "60")

    (key,) = re.findall(r"^Key: (forum_\S{43})$", made.out, re.MULTILINE)
    listed = prepared("key", "list").out
    assert re.search(r"^coral\t60\t\d{4}-\d\d-\d\d\t$", listed, re.MULTILINE)
    assert key not in listed

    assert prepared("key", "revoke", "coral").out == "The key 'coral' is revoked.\n"
    assert re.search(r"^coral\t60\t\S+\t\d{4}-\d\d-\d\d$", prepared("key", "list").out, re.M)


def test_a_key_that_cannot_be_made_or_revoked_is_refused_in_words(prepared: Forum) -> None:
    prepared("key", "create", "coral")
    for arguments, words in (
        (("create", "coral"), "Revoke it first"),
        (("create", ""), "name the key"),
        (("create", "other", "--a-minute", "0"), "between 1 and"),
        (("revoke", "nobody"), "forum key list"),
    ):
        ran = prepared("key", *arguments)
        assert (ran.status, ran.out) == (1, "")
        assert words in ran.err


def test_suggestions_are_printed_as_evaluate_reads_them(prepared: Forum, tmp_path: Path) -> None:
    prepared("key", "create", "coral")
    database = Database(f"sqlite:///{tmp_path / 'forum.db'}")
    with database.writing() as session:
        for text, value in (('You idiot, "hm",\nyou.', 1.0), ("Good morning.", 0.0)):
            suggestions.keep(session, text, {"insult": value}, key_id=1, token=text[:4])
    database.close()
    file = tmp_path / "suggestions.csv"
    file.write_text(prepared("suggestions").out, encoding="utf-8", newline="")

    (read,) = evaluation.read(file)

    assert read.texts == ["Good morning.", 'You idiot, "hm",\nyou.']
    assert list(read.truth["insult"]) == [0, 1]
    assert set(read.truth) == {"insult"}


def test_the_score_api_needs_a_database(forum: Forum) -> None:
    ran = forum("score-api")

    assert ran.status == 1
    assert "forum setup" in ran.err
