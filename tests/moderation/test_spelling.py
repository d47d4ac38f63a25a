"""What a text says under its disguises, and that ordinary spelling is left as it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.spelling import plain


@pytest.mark.parametrize(
    ("disguised", "said"),
    [
        ("y0u 1d10t", "you idiot"),
        ("5tup1d m0r0n5", "stupid morons"),
        ("a$$hole, @sshole, sh!t", "asshole, asshole, shit"),
        ("1oser, k1ll yourself", "loser, kill yourself"),
        ("You are an idіot", "You are an idiot"),  # a Cyrillic і
        ("you ѕtupіd man", "you stupid man"),  # Cyrillic ѕ and і
        ("ｉｄｉｏｔ 𝓲𝓭𝓲𝓸𝓽 ⓘⓓⓘⓞⓣ", "idiot idiot idiot"),
        ("i\u200bd\u200bi\u200bo\u200bt", "idiot"),
        ("i\u00add\u2060io\ufefft", "idiot"),
        ("i̶d̶i̶o̶t̶", "idiot"),
        ("\u202etoidi na era uoy\u202c ok", "you are an idiot ok"),
        ("i d i o t", "idiot"),
        ("y o u  a r e  s t u p i d", "you  are  stupid"),
        ("y o u a r e a n i d i o t", "you are an idiot"),
        ("f.u.c.k you, i-d-i-o-t", "fuck you, idiot"),
        ("id.iot, mo-ron", "idiot, moron"),
        ("f*ck off, f**king b*tch, f***!", "fuck off, fucking bitch, fuck!"),
        ("stuuuupid idioooot", "stupid idiot"),
        ("LOOOSER", "loser"),
        ("killyourself #fuckyou", "kill yourself #fuck you"),
        ("🅱itch", "bitch"),
        ("nàïvé ÿօú", "naive you"),
        ("#4v3 +#ey v4nd@l1s3", "have they vandalise"),
        ("dddonnnn't", "don't"),
        ("w\u3164a\u3164nt", "want"),
        ("“quoted” and ‘so’", "\"quoted\" and 'so'"),
    ],
)
def test_a_disguise_is_undone(disguised: str, said: str) -> None:
    assert plain(disguised).text == said


def test_a_picture_is_read_as_its_word() -> None:
    assert plain("you 🐷").text.split() == ["you", "pig"]
    assert plain("Shit 💩!").text == "Shit shit!"
    assert plain("🦔").text.split() == ["hedgehog"]


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        ("🖕 you, you 🖕 idiot", "fuck you, you fucking idiot"),
        ("I will 🔪 you with a 🔪.", "I will kill you with a knife."),
        ("I 😡 you. That makes me 😡.", "I hate you. That makes me angry."),
        ("i'm 💀, this is 🔥", "i'm dead, this is fire"),
        ("What a load of 🐂💩!", "What a load of bullshit!"),
        ("🏳️‍🌈 pride 👍🏽", "gay pride good"),
        ("nazℹ️💲", "nazis"),
    ],
)
def test_a_picture_is_read_as_what_it_means_where_it_stands(shown: str, said: str) -> None:
    assert plain(shown).text == said


@pytest.mark.parametrize(
    ("disguised", "said"),
    [
        ("shi+ and (rap, dea+# to them", "shit and crap, death to them"),
        ("#ate that foo|", "hate that fool"),
        ("(unt, (oward, (razy", "cunt, coward, crazy"),
        ("k||led s+vp|d", "killed stupid"),
        ("that...$#1+, a #a7e-crime", "that...shit, a hate-crime"),
        ("1d1075, f@9907", "idiots, faggot"),
        ("fu(k's sake", "fuck's sake"),
        ("fvck", "fuck"),
    ],
)
def test_signs_at_the_edge_of_a_word_may_be_letters(disguised: str, said: str) -> None:
    assert plain(disguised).text == said


def test_the_same_picture_many_times_is_read_once() -> None:
    assert plain("🤡🤡🤡🤡").text.split() == ["clown"]


@pytest.mark.parametrize(
    "ordinary",
    [
        "The 1st of May, COVID19, H1N1, mp3, 4k, 3d, $100, 10am and the 1980s.",
        "50% off, 3/4, 24/7, 9/11, C++, R&B, O'Neill, AT&T",
        "A well-known man, J. R. R. Tolkien, doesn't and can't.",
        "http://www.example.org/news/1234-abc?x=1",
        "Schwarzenegger from Southampton assigned the guideline.",
        "The Scunthorpe cocktail of Mr Dickens",
        "1 2 3 4 and 5",
        "#art, #all; (rap music) and (lass), A+, LGBT+, C#, post-9/11, COVID-19, F-16s",
        "foo(x) | bar || baz, B-52, i5-2500k, mid-1980s, 20-year-old, G7/G8, A4-size",
        "Привет, как дела, друг?",
        "Łódź, Straße, Ångström, señor",
        "أنت كاتب جيد",
        "wow!!! really?? (sic)",
        "",
        " ",
    ],
)
def test_ordinary_spelling_stays(ordinary: str) -> None:
    assert plain(ordinary).text == ordinary


def test_each_character_knows_where_it_stood() -> None:
    text = "An i d i 0 t, stuuupid f**king l0ser 🐷"
    read = plain(text)

    stood = {}
    for word in ("idiot", "stupid", "fucking", "loser", "pig"):
        at = read.text.index(word)
        stood[word] = text[read.starts[at] : read.ends[at + len(word) - 1]]
    assert stood == {
        "idiot": "i d i 0 t",
        "stupid": "stuuupid",
        "fucking": "f**king",
        "loser": "l0ser",
        "pig": "🐷",
    }


_AWKWARD = st.text(
    alphabet=st.one_of(
        st.characters(exclude_categories=()),
        st.sampled_from("aeiou stfk1034@$!*.-_'\u200b\u202e\u202c\u0336🐷🇦іо\n"),
    ),
    max_size=80,
)


@given(_AWKWARD)
def test_any_text_can_be_read_and_every_place_lies_in_it(text: str) -> None:
    read = plain(text)

    assert len(read.text) == len(read.starts) == len(read.ends)
    assert all(
        0 <= start <= end <= len(text) for start, end in zip(read.starts, read.ends, strict=True)
    )


@given(st.text(alphabet="aeiou stfk1034@$!*.-_'\n", max_size=60))
def test_a_text_reads_the_same_with_something_invisible_behind_it(text: str) -> None:
    assert plain(text).text == plain(text + " \u200b").text.removesuffix(" ")


@given(st.text(alphabet="abcdefgh ", max_size=60))
def test_reading_twice_changes_nothing_more(text: str) -> None:
    once = plain(text).text

    assert plain(once).text == once
