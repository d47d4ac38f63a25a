"""Marks in a comment's HTML: on the right words, and nothing else is changed."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forum import marking, markup
from tests.forum.test_markup import PIECES


def marked(source, *wanted):
    html = markup.render(source)
    words = markup.plain(html)
    spans = [(words.index(each), words.index(each) + len(each)) for each in wanted]
    return marking.marked(html, spans)


@pytest.mark.parametrize(
    ("source", "wanted", "html"),
    [
        ("You idiot.", ["idiot"], "<p>You <mark>idiot</mark>.</p>"),
        ("Tea & <b>milk</b>", ["& <b>"], "<p>Tea <mark>&amp; &lt;b&gt;</mark>milk&lt;/b&gt;</p>"),
        (
            "Go *back* to",
            ["Go back to"],
            "<p><mark>Go </mark><em><mark>back</mark></em><mark> to</mark></p>",
        ),
        (
            "One.\n\nTwo.",
            ["One.\nTwo."],
            "<p><mark>One.</mark></p>\n<p><mark>Two.</mark></p>",
        ),
        ("One two", [], "<p>One two</p>"),
        ("One two", ["One", "two"], "<p><mark>One</mark> <mark>two</mark></p>"),
        ("يا أحمق 🙂!", ["أحمق 🙂"], "<p>يا <mark>أحمق 🙂</mark>!</p>"),
    ],
)
def test_words_are_marked_where_they_stand(source, wanted, html):
    # A mark ends before a blank that the next tag follows, or after it: both show the same.
    assert _tidy(marked(source, *wanted)) == _tidy(html)


def _tidy(html):
    return html.replace(" </mark>", "</mark> ").replace("<mark> ", " <mark>")


def test_marks_of_two_kinds_lie_in_one_another():
    html = markup.render("Go away, you *idiot*, now.")
    words = markup.plain(html)
    at = words.index("idiot")
    both = marking.marked(marking.marked(html, [(at, at + 5)]), [(9, at + 5)], "u")

    assert markup.plain(both) == words
    assert "<em><mark><u>idiot</u></mark></em>" in both


@given(
    st.lists(PIECES, max_size=12).map("".join),
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=4),
)
def test_whatever_is_marked_the_rest_stays(source, pairs):
    html = markup.render(source)
    words = markup.plain(html)
    spans = [(min(pair), min(max(pair), len(words))) for pair in pairs]
    result = marking.marked(html, spans)

    assert re.sub("</?mark>", "", result) == html
    assert markup.plain(result) == words
    inside = "".join(re.findall("<mark>(.*?)</mark>", result, re.S))
    expected = {at for start, end in spans for at in range(start, end)}
    assert "".join(markup.plain(inside).split()) == "".join(
        "".join(words[at] for at in sorted(expected) if at < len(words)).split()
    )


@pytest.mark.parametrize(
    ("source", "quoted"),
    [
        ("Nothing", []),
        ("> One\n\nTwo", ["One"]),
        ("> One\n> more\n\nTwo\n\n> Three *and* four", ["One\nmore", "Three and four"]),
        ("> > Deep\n>\n> One\n\nTwo", ["Deep\nOne"]),
        (r"\> Not a quote", []),
        ("&gt; Not either", []),
    ],
)
def test_quotes_are_found_as_readers_see_them(source, quoted):
    html = markup.render(source)
    words = markup.plain(html)

    assert [words[slice(*span)] for span in marking.quotes(html)] == quoted
