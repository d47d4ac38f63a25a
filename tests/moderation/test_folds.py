"""Which texts say the same."""

import pytest

from moderation import folds

WAVE = "Earn money from home in your free time, ask me how at my page and tell all of your friends"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (WAVE, f"{WAVE.upper()}!!! 🤑 https://pills.example/a?b=1", True),
        (f"{WAVE} pills.example", f"{WAVE} http://www.other.example/x", True),
        (f"1. {WAVE}", f"No. 27: {WAVE}", True),
        (WAVE, WAVE.replace("Earn", "Éàrn").replace("money", "m0ney"), True),
        (WAVE, f"{WAVE} xqfz", True),
        (WAVE, WAVE.replace("friends", "enemies"), True),
        (WAVE, WAVE.replace("friends", "enemies").replace("money", "nothing"), False),
        (
            WAVE,
            "The council has voted against the new tram line, and for no reason I can see",
            False,
        ),
        # Short ones only when they are equal.
        ("You idiot.", "You  idiot.", True),
        ("You idiot.", "You idiot!", False),
        ("lol https://a.example/one", "lol https://a.example/two", False),
        ("🤡🤡🤡", "🤡🤡🤡", True),
        ("🤡", "💩", False),
        ("", "", True),
    ],
)
def test_texts_are_alike_but_for_signs_links_numbers_and_one_word_in_twenty(one, other, same):
    assert folds.alike(one, other) is same
    assert folds.alike(other, one) is same
