import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr.evaluation.slices import Observation, confusions, script_of, slices
from ocr.metrics.edit_distance import alignment, edit_distance


def line(width=100, height=20, angle=0.0):
    turn = np.deg2rad(angle)
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)])
    return (corners @ np.array([(np.cos(turn), np.sin(turn)), (-np.sin(turn), np.cos(turn))]) + 500).astype(np.float32)


@pytest.mark.parametrize(
    ("polygon", "expected"),
    [
        (line(), {"text height": "16 to 24 px", "aspect": "3 to 6", "angle": "under 1 °"}),
        (line(300, 7), {"text height": "under 8 px", "aspect": "20 and more"}),
        (line(20, 90), {"aspect": "under 1"}),
        (line(angle=10), {"angle": "5 to 15 °"}),
        (line(angle=-30), {"angle": "15 to 45 °"}),
        (line(angle=180), {"angle": "under 1 °"}),
    ],
)
def test_ranges(polygon, expected):
    found = {one.by: one.range for one in slices([Observation(polygon, "x")], detected=True, recognized=True)}
    assert expected.items() <= found.items()


def test_shares_and_unknown_texts():
    seen = [
        Observation(line(), "Total", found=True, read="TOTAL"),
        Observation(line(), "Total", found=True, read="T0TAL"),
        Observation(line(), "Total", found=False),
        Observation(line(), None, found=True),
    ]
    heights, *_, lengths, latin = slices(seen, detected=True, recognized=True)
    assert (latin.by, latin.range, latin.n, latin.found) == ("script", "Latin", 3, pytest.approx(2 / 3))
    assert (heights.n, heights.found, heights.read) == (4, 0.75, pytest.approx(1 / 3))
    assert (lengths.by, lengths.range, lengths.n) == ("length", "5 to 10 characters", 3)


def test_a_line_without_any_text_has_no_share_read():
    (height, *_) = slices([Observation(line(), None)], detected=False, recognized=True)
    assert (height.found, height.read) == (None, None)


def test_confusions_are_ranked_and_cut():
    seen = [
        Observation(line(), "O0", read="00"),
        Observation(line(), "O", read="0"),
        Observation(line(), "AB", read="A"),
        Observation(line(), "a", read="A!"),
        Observation(line(), "never found", found=False),
        Observation(line(), None, read="?"),
    ]
    assert [(one.truth, one.read, one.count) for one in confusions(seen)] == [
        ("O", "0", 2),
        ("", "!", 1),
        ("B", "", 1),
    ]
    assert len(confusions(seen, most=1)) == 1


@given(st.text("abc", max_size=12), st.text("abc", max_size=12))
def test_an_alignment_spells_both_texts_and_costs_the_distance(a, b):
    pairs = alignment(a, b)
    assert "".join(x for x, _ in pairs) == a
    assert "".join(y for _, y in pairs) == b
    assert sum(x != y for x, y in pairs) == edit_distance(a, b)


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("Café 12", "Latin"),
        ("합계", "Hangul"),
        ("TOTAL 합계", "mixed"),
        ("12,500.00 %", "digits and signs"),
        ("Ωμέγα", "other"),
    ],
)
def test_scripts(text, script):
    assert script_of(text) == script
