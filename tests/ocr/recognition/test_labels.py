import logging

import pytest

from ocr.recognition.labels import normalise, usable
from ocr.text.charset import Charset

ASCII = Charset(tuple("abc '-"))


def choose(texts, **changes):
    return usable("crops", texts, ASCII, **({"max_length": None, "replace": {}} | changes))


def test_labels_are_normalised():
    assert normalise("  a\u00a0 b\t c ") == "a b c"
    assert normalise("\u1112\u1161\u11ab") == "한"


def test_unusable_labels_are_dropped_counted_and_logged(caplog):
    with caplog.at_level(logging.WARNING):
        labels, report = choose(["abc", " ", "a한b", "abcabc", "c한한"], max_length=5)
    assert labels == {0: "abc"}
    assert (report.kept, report.empty, report.outside_charset, report.too_long, report.dropped) == (1, 1, 2, 1, 4)
    assert report.unknown == {"한": 3}
    assert caplog.messages == [
        "crops: 1 crop; 4 dropped (2 with characters outside the charset, 1 too long, 1 empty); "
        "characters outside the charset: '한' HANGUL SYLLABLE HAN x3"
    ]


def test_named_characters_are_exchanged_and_counted(caplog):
    with caplog.at_level(logging.WARNING):
        labels, report = choose(["a’b", "a–한", "a"], replace={"’": "'", "–": "-", "a": "z"})
    assert labels == {0: "a'b", 2: "a"}
    assert (report.replaced, report.outside_charset) == (1, 1)
    assert "1 with characters replaced" in caplog.text


def test_a_character_can_be_exchanged_for_nothing():
    labels, report = choose(["™", "a™"], replace={"™": ""})
    assert labels == {1: "a"}
    assert report.empty == 1


@pytest.mark.parametrize("text", ["abc", "a b-c"])
def test_a_clean_source_is_no_warning(text, caplog):
    with caplog.at_level(logging.INFO):
        choose([text])
    assert [record.levelname for record in caplog.records] == ["INFO"]
