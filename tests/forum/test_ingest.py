"""Articles load from files: taken apart, kept once, and refused in words."""

import os
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import func, select

from forum import accounts, comments, disclaimer, ingest
from forum.articles import ArticleText
from forum.database import Database
from forum.settings import read_settings
from forum.tables import Article, Comment, Disclaimer

ARTICLE = """\
Tea is served at the town hall
Tea is served at the town hall
News   /   Town  hall

From Monday on there is tea,
in cups.

Bring your own biscuits.


Leave a comment: Comments are not those of `Tea Town` necessarily.
"""


def parsed(text: str | bytes) -> ArticleText:
    return ingest.parse(text.encode() if isinstance(text, str) else text, "tea.txt")


def refusal(text: str | bytes) -> str:
    with pytest.raises(ingest.BadArticle) as refused:
        parsed(text)
    return str(refused.value)


def load(database: Database, *paths: Path, dry_run: bool = False) -> dict[str, str]:
    """Return what became of each file, by its name: a change, or the problem."""
    files, outcomes = ingest.find(paths)
    outcomes += ingest.load(database, files, dry_run=dry_run)
    return {outcome.path.name: outcome.change or outcome.problem for outcome in outcomes}


def kept(database: Database) -> list[Article]:
    with database.reading() as session:
        return list(session.scalars(select(Article).order_by(Article.identity)))


def disclaimer_of(database: Database, article: Article) -> str:
    with database.reading() as session:
        return disclaimer.of_article(session, session.get_one(Article, article.id)).text


def write(folder: Path, **articles: str | bytes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in articles.items():
        (folder / f"{name}.txt").write_bytes(
            content.encode() if isinstance(content, str) else content
        )
    return folder


# Taking an article apart


def test_title_once_sections_as_a_path_paragraphs_and_the_disclaimer_apart() -> None:
    assert parsed(ARTICLE) == ArticleText(
        identity="tea.txt",
        title="Tea is served at the town hall",
        section="News / Town hall",
        body="From Monday on there is tea, in cups.\n\nBring your own biscuits.",
        disclaimer="Comments are not those of `Tea Town` necessarily.",
    )


@pytest.mark.parametrize(
    "content",
    [
        ARTICLE.encode("utf-8-sig"),
        ARTICLE.replace("\n", "\r\n").encode(),
        ARTICLE.replace("\n", "\r").encode(),
        ARTICLE.replace("\n", "\u2028").encode(),
        ARTICLE.encode("utf-16"),
        b"\xfe\xff" + ARTICLE.encode("utf-16-be"),
        b"\n\n  " + ARTICLE.encode(),
        ARTICLE.rstrip().encode(),
        ARTICLE.replace("\n\n", "\n \t\xa0\n").encode(),
        ARTICLE.replace("Leave", "\u200f Leave").encode(),
        ARTICLE.replace("Leave a comment:", "LEAVE A COMMENT :").encode(),
        ARTICLE.replace("hall\n", "hall\n\n").encode(),
        ARTICLE.replace("hall\nTea", "hall\n\ntea").encode(),
        ARTICLE.replace("   /   ", "/").encode(),
        ARTICLE.replace("   /   ", "\t/ / \xa0").encode(),
    ],
    ids=[
        "byte order mark",
        "CRLF",
        "CR",
        "line separators",
        "UTF-16",
        "UTF-16 big-endian",
        "empty lines above",
        "no last newline",
        "blanks on empty lines",
        "invisible mark before the disclaimer",
        "disclaimer in capitals",
        "head with empty lines",
        "second title in other letters",
        "sections without spaces",
        "sections with an empty one",
    ],
)
def test_the_same_article_is_found_however_it_was_saved(content: bytes) -> None:
    assert parsed(content) == parsed(ARTICLE)


def test_windows_1252_is_understood() -> None:
    article = parsed("Café “Zoë” opens – today\n\nCoffee for 2 €…".encode("cp1252"))

    assert article.title == "Café “Zoë” opens – today"
    assert article.body == "Coffee for 2 €…"


def test_right_to_left_text_stays_as_it_was_written() -> None:
    article = parsed(
        "السوق الليلي\nالسوق الليلي\nأخبار   /   المدينة\n\nيفتح السوق يوم الجمعة.\n\n"
        "Leave a comment: التعليقات لا تمثل `المنتدى`.\n"
    )

    assert article.title == "السوق الليلي"
    assert article.section == "أخبار / المدينة"
    assert article.body == "يفتح السوق يوم الجمعة."
    assert article.disclaimer == "التعليقات لا تمثل `المنتدى`."


def test_an_article_may_have_neither_sections_nor_disclaimer() -> None:
    article = parsed("A title\n\nA paragraph.")

    assert (article.section, article.disclaimer) == ("", None)


def test_an_empty_disclaimer_is_none() -> None:
    assert parsed("A title\n\nA paragraph.\n\nLeave a comment:").disclaimer is None


def test_a_disclaimer_may_begin_on_the_next_line_and_have_paragraphs() -> None:
    article = parsed("A title\n\nText.\n\nLeave a comment:\n\nBe kind\nto all.\n\nNot `ours`.")

    assert article.disclaimer == "Be kind to all.\n\nNot `ours`."
    assert article.body == "Text."


def test_a_disclaimer_given_twice_is_shown_once() -> None:
    article = parsed("A title\n\nText.\n\nLeave a comment: Hm.\nLeave a comment: Hm.")

    assert (article.body, article.disclaimer) == ("Text.", "Hm.")


def test_two_different_disclaimers_are_refused_rather_than_guessed() -> None:
    words = refusal("A title\n\nLeave a comment: one\n\nText.\n\nLeave a comment: two")

    assert "line 3 and again at line 7" in words


def test_an_article_is_never_swallowed_by_a_disclaimer_in_its_middle() -> None:
    assert "at line 3" in refusal("A title\n\nLeave a comment: one\n\n" + "More text. " * 300)


def test_words_about_comments_within_a_paragraph_are_no_disclaimer() -> None:
    article = parsed("A title\n\nPlease leave a comment: we read them.")

    assert article.body == "Please leave a comment: we read them."


@pytest.mark.parametrize(
    "line",
    ["News", "Arts and culture", "News / World", "A / B / C", "/ News /", "News/World"],
)
def test_a_line_of_sections_below_the_title_is_no_paragraph(line: str) -> None:
    article = parsed(f"A title\n{line}\n\nText.")

    assert article.body == "Text."
    assert article.section


@pytest.mark.parametrize(
    "line",
    [
        "Either tea and/or coffee was served in the hall, the waiter said.",
        "Published 12/03/2014",
        "Photo: Ann Lee / The Agency",
        "The town has waited for this.",
        "Nobody in town had expected it",
        "See https://news.example/a",
    ],
)
def test_a_first_paragraph_that_only_looks_like_sections_stays_a_paragraph(line: str) -> None:
    article = parsed(f"A title\n{line}\n\nText.")

    assert article.body == f"{line}\n\nText."
    assert article.section == ""


def test_a_short_text_directly_below_the_title_is_the_body() -> None:
    assert parsed("A title\nHello there").body == "Hello there"


def test_lines_of_a_paragraph_are_joined_as_they_are_read() -> None:
    article = parsed("A title\n\nA well-\nknown Pro\u00ad\nfessor came -\nlate.\n\nShe left.")

    assert article.body == "A well-known Professor came - late.\n\nShe left."


def test_long_lines_without_empty_ones_between_are_paragraphs() -> None:
    long = "Every word of this is one paragraph, and its line goes on. " * 3

    assert parsed(f"A title\n\n{long}\nShort.\n{long}").body.count("\n\n") == 2


# Refusals


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "The file is empty."),
        (b"\xef\xbb\xbf \r\n\t\n", "The file is empty."),
        (b" \n", "The file is empty."),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "is not text"),
        (b"\xff\xd8\xff\xe0\x10JFIF\x01\x81", "is not text"),
        (b"\xff\xfe\x00", "is not text"),
        (b"Title\n\nA \x1b[2Jcommand to the terminal", "is not text"),
        ("Tea\n\nفي المدينة شاي".encode()[:-1], "UTF-8 with a damaged place, at byte 29"),
        (b"A title", "There are no paragraphs"),
        (b"A title\nA title\nNews / World\n\n", "There are no paragraphs"),
        (b"A title\n\nLeave a comment: only this", "There are no paragraphs"),
        (b"Leave a comment: only this", "There is no title"),
        (b"URL: https://news.example/a\nA title\n\nText.", "Put the title above it"),
        (b"word " * 100, "The first line has 499 characters, and a title has 300 at most"),
        (b"A title\nURL: javascript:alert(1)\n\nText.", "'javascript:alert(1)' is not an address"),
        (b"A title\nURL:\n\nText.", "'' is not an address"),
        (b"A title\nURL: https://\n\nText.", "is not an address"),
        (b"A title\nURL: https://[1/\n\nText.", "is not an address"),
        (b"A title\nURL: https://a:b@c/\n\nText.", "is not an address"),
        (b"A title\nURL: https://a.example:99999/\n\nText.", "is not an address"),
        (b"A title\nURL: https://a.example/b c\n\nText.", "is not an address"),
        (b"A title\nURL: https://a.example/" + b"x" * 2000 + b"\n\nText.", "longer than 2000"),
    ],
)
def test_what_is_no_article_is_refused_in_words(content: bytes, words: str) -> None:
    assert words in refusal(content)


LINES = st.lists(
    st.one_of(
        st.text(),
        st.sampled_from(
            ["", "A title", "News / World", "URL: https://a.example/", "Leave a comment: Ours."]
        ),
    )
)


@given(LINES)
@example(["A title", "Leave a comment: Ours.", "", "Leave a comment:", "Text."])
def test_any_text_is_an_article_or_refused_and_no_disclaimer_is_in_the_body(
    lines: list[str],
) -> None:
    try:
        article = parsed("\n".join(lines))
    except ingest.BadArticle:
        return

    assert "Leave a comment:" not in article.body.replace("\n", "")
    assert article.title == " ".join(article.title.split()) != ""
    assert all(paragraph.strip() for paragraph in article.body.split("\n\n"))
    assert not any("\n" in paragraph for paragraph in article.body.split("\n\n"))


@given(st.binary())
def test_any_bytes_are_an_article_or_refused(content: bytes) -> None:
    try:
        article = parsed(content)
    except ingest.BadArticle:
        return

    assert article.title
    assert article.body
    assert "\0" not in article.title + article.body


# Finding files


def test_folders_are_read_with_those_below_them_in_order(tmp_path: Path) -> None:
    write(tmp_path / "b", two=ARTICLE)
    write(tmp_path, one=ARTICLE, zero=ARTICLE)
    write(tmp_path / ".hidden", three=ARTICLE)
    write(tmp_path, **{".hidden": ARTICLE})
    (tmp_path / "notes.md").write_text(ARTICLE)
    (tmp_path / "LOUD.TXT").write_text(ARTICLE)

    files, problems = ingest.find([tmp_path])

    assert [file.identity for file in files] == ["LOUD.TXT", "b/two.txt", "one.txt", "zero.txt"]
    assert problems == []


def test_a_file_given_by_itself_may_have_any_name(tmp_path: Path) -> None:
    file = tmp_path / "article.md"
    file.write_text(ARTICLE)

    assert [found.identity for found in ingest.find([file])[0]] == ["article.md"]


def test_a_name_written_in_two_ways_is_the_same_article(tmp_path: Path) -> None:
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    files, _ = ingest.find([write(tmp_path / "mac", **{decomposed: ARTICLE})])

    assert files[0].identity == f"{composed}.txt"


def test_links_are_followed_within_the_folder_only(tmp_path: Path) -> None:
    secret = write(tmp_path / "elsewhere", secret=ARTICLE)
    folder = write(tmp_path / "news", one=ARTICLE)
    (folder / "two.txt").symlink_to("one.txt")
    (folder / "secret.txt").symlink_to(secret / "secret.txt")
    (folder / "below").symlink_to(secret)
    (folder / "circle.txt").symlink_to("circle.txt")
    (folder / "nowhere.txt").symlink_to("nothing.txt")

    files, problems = ingest.find([folder])

    assert [file.identity for file in files] == ["one.txt", "two.txt"]
    assert {outcome.path.name: outcome.problem for outcome in problems} == {
        "secret.txt": "This is a link out of the folder, and was not followed.",
        "below": "This is a link out of the folder, and was not followed.",
        "circle.txt": "It cannot be read: the link leads to itself.",
        "nowhere.txt": "It cannot be read: No such file or directory.",
    }


# Loading


def test_an_article_becomes_a_thread_with_its_own_disclaimer(
    database: Database, tmp_path: Path
) -> None:
    assert load(database, write(tmp_path, tea=ARTICLE)) == {"tea.txt": "new"}

    (article,) = kept(database)
    assert article.title == "Tea is served at the town hall"
    assert article.section_path == "news/town-hall"
    assert disclaimer_of(database, article) == "Comments are not those of `Tea Town` necessarily."


def test_an_article_without_a_disclaimer_gets_the_sites(database: Database, tmp_path: Path) -> None:
    load(database, write(tmp_path, tea="Tea\n\nTea."))

    (article,) = kept(database)
    assert disclaimer_of(database, article) == disclaimer.DEFAULT.format(site_name="The Forum")


def test_loading_again_updates_the_article_and_nothing_else(
    database: Database, tmp_path: Path
) -> None:
    load(database, write(tmp_path, tea=ARTICLE))
    (before,) = kept(database)

    assert load(database, tmp_path) == {"tea.txt": "same"}

    write(tmp_path, tea=ARTICLE.replace("biscuits", "cake").replace("`Tea Town`", "`Cake Town`"))
    assert load(database, tmp_path) == {"tea.txt": "changed"}

    (after,) = kept(database)
    assert (after.id, after.slug) == (before.id, before.slug)
    assert after.body.endswith("Bring your own cake.")
    assert "`Cake Town`" in disclaimer_of(database, after)


def test_loading_again_keeps_the_comments(database: Database, tmp_path: Path) -> None:
    load(database, write(tmp_path, tea=ARTICLE))
    (article,) = kept(database)
    with database.writing() as session:
        author = accounts.sign_up(session, "Ann", password_hash="not needed here")
        comments.post(
            session,
            article.slug,
            comments.draft("How lovely.", settings=read_settings()),
            author=author,
            settings=read_settings(),
        )

    load(database, write(tmp_path, tea=ARTICLE.replace("Tea is", "Cake is")))

    with database.reading() as session:
        (comment,) = session.scalars(select(Comment))
        assert comment.source == "How lovely."
        assert session.get_one(Article, comment.article_id).title.startswith("Cake is")


def test_an_article_with_an_address_may_move_to_another_file(
    database: Database, tmp_path: Path
) -> None:
    addressed = ARTICLE.replace("\nNews", "\nURL: HTTPS://News.Example/tea#comments\nNews")
    load(database, write(tmp_path / "november", tea=addressed))

    outcome = load(database, write(tmp_path / "december", cups=addressed))

    assert outcome == {"cups.txt": "same"}
    assert [article.identity for article in kept(database)] == ["https://news.example/tea"]


def test_a_bad_file_is_named_and_the_others_still_load(database: Database, tmp_path: Path) -> None:
    write(tmp_path, a=b"", b=ARTICLE, c=b"\x00\x01\x02", d="Only a title", e="Cake\n\nCake.")
    (tmp_path / "huge.txt").touch()
    os.truncate(tmp_path / "huge.txt", 50_000_000)
    (tmp_path / "folder.txt").mkdir()
    os.mkfifo(tmp_path / "pipe.txt")

    assert load(database, tmp_path) == {
        "a.txt": "The file is empty.",
        "b.txt": "new",
        "c.txt": "The file is not text. Save the article as plain text in UTF-8.",
        "d.txt": "There are no paragraphs below the title.",
        "e.txt": "new",
        "huge.txt": "The file is larger than 5 MB, too large for an article.",
        "pipe.txt": "This is not a file that can be read.",
    }
    assert [article.identity for article in kept(database)] == ["b.txt", "e.txt"]


def test_a_path_that_leads_nowhere_and_a_folder_without_articles_are_named(
    database: Database, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()

    assert load(
        database, tmp_path / "gone", tmp_path / "empty", write(tmp_path / "a", b=ARTICLE)
    ) == {
        "gone": "There is no such file or folder.",
        "empty": "There are no articles in this folder, no files named *.txt.",
        "b.txt": "new",
    }


def test_a_file_that_cannot_be_read_is_named(database: Database) -> None:
    assert load(database, Path("/proc/self/mem")) == {
        "mem": "It cannot be read: Input/output error."
    }


@pytest.mark.parametrize("address", ["", "URL: https://news.example/tea\n"])
def test_two_files_of_one_article_do_not_overwrite_each_other(
    database: Database, tmp_path: Path, address: str
) -> None:
    first = write(tmp_path / "a", tea=f"Tea\n{address}\nTea.")
    second = write(tmp_path / "b", **{"cake" if address else "tea": f"Cake\n{address}\nCake."})

    files, _ = ingest.find([first, second])
    one, two = ingest.load(database, files)

    assert one.change == "new"
    assert f"It is the same article as {first / 'tea.txt'}" in two.problem
    assert [article.title for article in kept(database)] == ["Tea"]


def test_a_dry_run_says_what_would_happen_and_writes_nothing(
    database: Database, tmp_path: Path
) -> None:
    load(database, write(tmp_path, tea=ARTICLE, cake="Cake\n\nCake."))
    write(tmp_path, cake="Cake\n\nMore cake.\n\nLeave a comment: Ours.", milk="Milk\n\nMilk.")
    before = kept(database)

    assert load(database, tmp_path, dry_run=True) == {
        "cake.txt": "changed",
        "milk.txt": "new",
        "tea.txt": "same",
    }

    assert [(one.title, one.body, one.changed_at) for one in kept(database)] == [
        (one.title, one.body, one.changed_at) for one in before
    ]
    with database.reading() as session:
        own = select(func.count()).select_from(Disclaimer).where(~Disclaimer.for_site)
        assert session.scalar(own) == 1
