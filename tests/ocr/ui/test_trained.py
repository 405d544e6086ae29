"""Checkpoints as training leaves them, opened on the pages: exported by the page, and really reading."""

import re

import numpy as np
import pytest

from ocr.datasets.synthetic import receipt
from ocr.ui.maps import maps_of

pytestmark = pytest.mark.slow


def lines_shown(app) -> int:
    return int(re.search(r"(\d+) lines", app.caption[0].value)[1])


def label_of(box, path) -> str:
    return next(option for option in box.options if option.startswith(f"{path.parent.parent.name}/{path.stem}"))


def choose(app, key, path):
    box = app.selectbox(key=key)
    app.selectbox(key=key).set_value(label_of(box, path)).run()
    assert not app.exception
    assert not app.error


def test_a_checkpoint_chosen_among_the_checkpoints_reads(trained, open_app):
    app = open_app("checkpoints")
    app.text_input(key="search").set_value(trained["second"].stem.lower()).run()
    assert [list(one) for one in app.dataframe[0].value["aliases"]] == [["last"]]
    assert not app.button(key="open").disabled
    app.button(key="open").click().run()
    assert app.title[0].value == "Read"
    assert not app.error
    assert app.selectbox(key="read-detection").value == str(trained["second"])
    assert lines_shown(app) > 5


def test_two_checkpoints_are_compared(trained, open_page):
    app = open_page("compare")
    app.selectbox(key="compare-sample").set_value("Receipt, worn").run()
    choose(app, "a-detection", trained["first"])
    choose(app, "b-detection", trained["second"])
    figures = {one.label: int(one.value) for one in app.metric}
    assert figures["Same"] > 0
    assert figures["Other text"] + figures["Only A"] + figures["Only B"] > 0


def test_the_maps_of_a_crop_are_those_the_network_learned_with(trained, open_page, report):
    app = open_page("errors")
    app.text_input(key="report-path").set_value(str(report)).run()
    assert "choose the checkpoint" in app.caption[-1].value.lower()
    choose(app, "crop-detector", trained["whole"])
    assert "No threshold map" not in app.caption[-1].value
    assert app.slider(key=f"threshold-{trained['whole']}").value == 0.3  # its own, not the shipped detector's
    choose(app, "crop-detector", trained["first"])
    assert "has no DBHead" in app.caption[-1].value


def test_the_threshold_map_is_the_head_s(trained):
    maps, usual = maps_of(str(trained["whole"]), np.ascontiguousarray(receipt(2).image[:96, :320]))
    assert maps.threshold is not None
    assert maps.threshold.shape == maps.probability.shape
    assert 0 < usual < 1
    # One step from its start: half everywhere, where the probability map starts near 0.02.
    assert abs(float(np.median(maps.threshold)) - 0.5) < 0.2
    assert float(np.median(maps.probability)) < 0.2
