"""What a classifier was not trained to read is found out by its script, whatever the language."""

import pytest

from moderation.scripts import LATIN, outside, written_in

ENGLISH = "The council will vote on the new bus line next week."
ARABIC = "شكرا جزيلا على هذا المقال الرائع"


@pytest.mark.parametrize(
    ("text", "script"),
    [
        (ENGLISH, ""),
        ("Où est la gare? Żółć, Ærøskøbing, straße.", ""),
        (ARABIC, "Arabic"),
        ("Спасибо за статью", "Cyrillic"),
        ("תודה על הכתבה", "Hebrew"),
        ("Ευχαριστώ για το άρθρο", "Greek"),
        ("लेख के लिए धन्यवाद", "Devanagari"),
        ("感谢您的文章", "Han"),
        ("記事をありがとうございます", "Hiragana"),
        ("기사 감사합니다", "Hangul"),
        # A name or a word does not make it mostly so.
        ("The Ελλάδα of my youth, and Москва too", ""),
        ("ok " + ARABIC, "Arabic"),
        (f"{ENGLISH} {ENGLISH}\n{ARABIC}", "Arabic"),
        (f"{ENGLISH}\nالسلام", ""),
        # Nothing to read in a script.
        ("", ""),
        ("🙂🙂🙂 👍", ""),
        ("12 345,- 67 %", ""),
        ("٣٤٥", ""),
        ("!?…", ""),
        # Pictures are words to the classifier, and no letters of the author.
        ("شكرا 🖕🖕 🤡 💩 🐒 😡", "Arabic"),
        # Dressed up, but Latin.
        ("уоu аrе аn іdіоt", ""),
        ("ＩＤＩＯＴ 𝓎ℴ𝓊 ⓘⓓⓘⓞⓣ", ""),
        ("i\u200bd\u200bi\u200bo\u200bt \u202eyou\u202c", ""),
        ("ا\u200bل\u200bس\u200bل\u200bا\u200bم", "Arabic"),
        ("half a pair \ud83d", ""),
    ],
)
def test_a_text_mostly_in_another_script_is_told_by_its_name(text, script):
    assert outside(text, LATIN) == script


def test_a_classifier_that_knows_more_scripts_reads_more():
    assert outside("Спасибо за статью", ("Latin", "Cyrillic")) == ""
    assert outside(ARABIC, ("Latin", "Cyrillic")) == "Arabic"


@pytest.mark.parametrize(
    ("text", "script"),
    [
        (ENGLISH, "latin"),
        ("Où est la gare? Żółć, straße.", "latin"),
        (ARABIC, "arabic"),
        (ARABIC + " BBC", "arabic"),
        ("Спасибо за статью", "cyrillic"),
        ("感谢您的文章", "han"),
        ("記事をありがとうございます", "kana"),
        ("기사 감사합니다", "hangul"),
        ("Спасибо, thank you very much", "several"),
        ("ᐃᓄᒃᑎᑐᑦ", "other"),
        ("🙂 123 …", "none"),
        ("123", "none"),
        ("", "none"),
    ],
)
def test_a_text_says_in_what_it_is_written(text, script):
    assert written_in(text) == script
