"""Readers' Markdown: a safe subset, whatever is typed."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forum import markup

ALLOWED = {"p", "br", "em", "strong", "code", "pre", "blockquote", "ul", "ol", "li", "a"}


class Seen(HTMLParser):
    """Collects what a browser would make of a piece of HTML."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.links, self.others = set(), [], set()
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        for name, value in attributes:
            if name == "href":
                self.links.append(value)
            else:
                self.others.add((tag, name))


PIECES = st.sampled_from(
    ["<script>", "</p>", "<img src=x onerror=alert(1)>", "[a](javascript:x)",
     "[a](data:text/html,x)",
     "![x](http://x)", "**", "_", "`", "> ", "\n", "\n\n", "1. ", "- ", "http://tea.example", "# ",
     "<a href='javascript:x'>", "&lt;script&gt;", "[a]: javascript:x", "\u202e", "<!--", "tea",
     "[a](<javascript:x>)", "javascript&colon;x", "\x00", "]", "(", "\\"]
)  # fmt: skip


@given(st.lists(PIECES | st.text(max_size=8), max_size=20).map("".join))
def test_nothing_typed_becomes_anything_but_text_emphasis_lists_code_and_links(source):
    seen = Seen(markup.render(markup.tidy(source)))

    assert seen.tags <= ALLOWED
    assert all(re.match(r"(https?|mailto):", link) for link in seen.links)
    assert seen.others <= {("a", "rel"), ("ol", "start")}


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("*a* **b** `c`", "<p><em>a</em> <strong>b</strong> <code>c</code></p>"),
        ("> quoted", "<blockquote>\n<p>quoted</p>\n</blockquote>"),
        ("one\ntwo", "<p>one<br>\ntwo</p>"),
        ("# no heading", "<p># no heading</p>"),
        (
            "tea.example and https://tea.example/?a=1&b=2",
            '<p>tea.example and <a href="https://tea.example/?a=1&amp;b=2"'
            ' rel="nofollow ugc noopener">https://tea.example/?a=1&amp;b=2</a></p>',
        ),
        ("<b>bold</b>", "<p>&lt;b&gt;bold&lt;/b&gt;</p>"),
        ("[x](javascript:alert)", "<p>[x](javascript:alert)</p>"),
    ],
)
def test_markdown_becomes_this_html(source, html):
    assert markup.render(source) == html


def test_the_classifier_reads_what_readers_read():
    # Emphasis inside a word would split it for a classifier that saw the source.
    assert markup.plain(markup.render("You **id**iot &amp; co")) == "You idiot & co"
    assert markup.plain(markup.render("one\n\ntwo\n\n- a\n- b")) == "one\ntwo\na\nb"
    assert markup.plain(markup.render("1 < 2 &lt;b&gt;")) == "1 < 2 <b>"


def test_what_turns_text_around_or_runs_over_the_lines_is_taken_out():
    assert markup.tidy("a\u202eb\u2066c\x00d\r\ne ") == "abcd\ne"
    zalgo = "t" + "\u0301" * 50
    assert len(markup.tidy(zalgo)) <= 5
    assert markup.tidy("می\u200cخواهم 👩\u200d🚀") == "می\u200cخواهم 👩\u200d🚀"


@pytest.mark.parametrize(
    "source", ["> " * 10_000, "[" * 20_000, "*" * 20_000, "http://a." * 2_000, "`" * 20_001,
               "- " * 10_000, "a@b." * 5_000, "![](" * 5_000, "\\" * 20_000, "_a " * 6_000]
)  # fmt: skip
def test_a_text_made_to_be_slow_is_rendered_all_the_same(source):
    import time

    began = time.process_time()
    markup.render(source[:20_000])
    # Generous: a quadratic renderer takes minutes for these.
    assert time.process_time() - began < 20


def test_the_same_words_have_the_same_fingerprint():
    assert markup.fingerprint("Milk first!") == markup.fingerprint("MILK  —  first")
    assert markup.fingerprint("Milk first!") != markup.fingerprint("Tea first!")
    assert markup.fingerprint("👍") != markup.fingerprint("👎")
    assert markup.fingerprint("شاي") != markup.fingerprint("حليب")


# Letters of several scripts and widths, what Markdown and HTML know, and spaces of all kinds.
_LIKELY = st.text(alphabet="aBзعß1 .,:;!?'\"()-+=#~|^${}%é\u0301\xa0\u2003\u2028\t\n\u200d٣ـ😀")


@given(st.one_of(_LIKELY, st.text()))
def test_a_line_of_words_becomes_the_html_that_markdown_makes_of_it(source):
    source = markup.tidy(source)
    if not markup._PERHAPS_ADDRESS.search(source):
        assert markup.render(source) == markup._by_markdown(source, markup._plain)


@given(st.text(alphabet=st.characters(max_codepoint=127)))
def test_plain_letters_are_tidied_as_all_others_are(source):
    # The dot that is put before and taken away again is no plain letter.
    assert markup.tidy(source) == markup.tidy(f"•{source}")[1:].strip()


@given(st.one_of(_LIKELY, st.text()))
def test_a_paragraph_of_words_reads_as_it_does_among_others(text):
    # The empty one after it is no word, and with it this is more than one paragraph.
    assert markup.plain(f"<p>{text}</p>") == markup.plain(f"<p>{text}</p><p></p>")


@given(st.text(alphabet=st.characters(max_codepoint=127)))
def test_plain_letters_have_the_fingerprint_of_the_same_letters_among_others(source):
    letters = re.sub(r"[\W_]+", "", source)
    # A dash that is no plain letter makes no difference to those that are.
    if letters:
        assert markup.fingerprint(source) == markup.fingerprint(f"{source}—")
        assert markup.fingerprint(source) == markup.fingerprint(letters.upper())
