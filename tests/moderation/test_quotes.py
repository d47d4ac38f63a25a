"""Whose words they are. What stands in no source is the author's own, however it is dressed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.quotes import Quotable, apart

ARTICLE = (
    "The mayor said that all of them are vermin and should be driven into the sea.\n\n"
    "The council votes on the new bus line next week, and nobody knows how."
)
PARENT = "You are scum, every one of you. Don’t come back 🙂 here."
SOURCES = (ARTICLE, PARENT)
OBJECTION = "How can a mayor speak like that?"


def told(text, *marked):
    """Say what is quoted and what is the author's own; `marked` are passages below a `>`."""
    slices = [(text.index(passage), text.index(passage) + len(passage)) for passage in marked]
    found = apart(text, Quotable(SOURCES, slices))
    return found.quoted, " ".join(found.own.split())


@pytest.mark.parametrize(
    "quote",
    [
        "all of them are vermin and should be driven into the sea",
        "All of them are VERMIN, and should be driven: into the sea",
        "“all of them are vermin”",
        '"are vermin and should"',
        "«of them are vermin»",
        "„of them are vermin“",
        "You are scum, every one of you. Don't come back 🙂 here",
    ],
)
def test_what_stands_in_the_article_or_the_comment_answered_is_quoted(quote):
    quoted, own = told(f"{quote} {OBJECTION}")

    assert quoted == quote.strip('“”"«»„')
    assert OBJECTION in own
    assert "vermin" not in own
    assert "scum" not in own


def test_a_short_passage_counts_where_it_is_marked_and_all_of_it_stands_there():
    scum = "You are scum, every one"
    assert told(f"{scum}\n{OBJECTION}", scum) == (scum, OBJECTION)
    assert told(f"{scum}\n{OBJECTION}")[0] == ""
    assert (
        told(f"You are real scum, every one\n{OBJECTION}", "You are real scum, every one")[0] == ""
    )
    assert told(f"You are scum\n{OBJECTION}", "You are scum")[0] == "", (
        "any article has three words"
    )


@pytest.mark.parametrize(
    "text",
    [
        # Marked, but it stands nowhere.
        "“All journalists are vermin and should hang” said nobody at all",
        # Few words in a row of an article are no quote by themselves.
        "all of them are vermin, I say, and I mean it",
        # Words of a source in another order, or put together from here and there.
        "vermin them of all are sea the into driven be should, as they say here",
        "“the mayor are scum of you” is what I think of this",
        # Signs between the words that the source does not have.
        "all of them 🖕 are vermin 🖕 and should be 🖕 driven into, say I and mine",
        # A disguise is not what the source says.
        "a1l of thеm аre vеrmin аnd shоuld bе drіven into, say I and mine",
        "",
        "🙂",
    ],
)
def test_what_stands_in_no_source_is_the_authors_own(text):
    found = apart(text, Quotable(SOURCES, [(0, len(text))]))

    assert found.own == text
    assert not found.quoted
    assert not found.spans


def test_own_words_inside_a_quote_stay_own():
    quoted, own = told(
        "all of them are vermin and should be you idiots driven into the sea, as he said"
    )

    assert quoted == "all of them are vermin and should be"
    assert "you idiots" in own


def test_words_around_a_quote_are_read_together():
    _, own = told("you are all of them are vermin and should be driven into the sea an idiot, mate")

    assert own == "you are an idiot, mate"


@pytest.mark.parametrize("rest", ["", "!!!", "🙂", "So true.", "Exactly this"])
def test_who_says_next_to_nothing_else_says_the_quote(rest):
    text = f"all of them are vermin and should be driven into the sea {rest}"

    assert apart(text, Quotable(SOURCES)).own == text


def test_nothing_is_quoted_where_there_is_nothing_to_quote():
    assert apart(ARTICLE, Quotable()).own == ARTICLE


def test_slices_of_the_own_words_are_found_in_the_text():
    text = "you are all of them are vermin and should be driven into the sea an idiot, mate"
    found = apart(text, Quotable(SOURCES))
    at = found.own.index("idiot")
    around = (found.own.index("are"), found.own.index("an ") + 2)

    assert [text[a:b] for a, b in found.spans_in_text([(at, at + 5)])] == ["idiot"]
    assert [text[a:b].strip() for a, b in found.spans_in_text([around])] == ["are", "an"]


@given(
    st.text(alphabet='ab🙂"“”> \n.,_é\u200b', max_size=200),
    st.text(alphabet='ab "🙂', max_size=200),
)
def test_every_character_is_either_own_or_quoted(text, source):
    found = apart(text, Quotable([source], [(0, len(text))]))

    inside = {at for start, end in found.spans for at in range(start, end)}
    assert sorted(inside | set(found.places)) == list(range(len(text)))
    assert not inside & set(found.places)
    assert found.own == "".join(text[at] for at in found.places)


def test_repeated_words_take_no_more_time_than_others():
    source = "a " * 50_000

    found = apart("a " * 10_000 + OBJECTION, Quotable([source]))

    assert found.own.strip() == OBJECTION
