import xml.etree.ElementTree as ET

import pytest

from ocr.bundles.bundle import load_bundle
from ocr.datasets.annotations import read_samples
from ocr.errors import ConfigError
from ocr.evaluation.bench import Measured, bench, ways, with_pareto
from ocr.evaluation.bench_plot import pareto_svg
from ocr.specs.preprocess import PreprocessSpec


def row(name, f1, milliseconds):
    return Measured(name, 0.9, f1, 0.1, milliseconds, milliseconds)


def test_the_front_is_what_nothing_else_beats():
    rows = [row("fast", 0.8, 10), row("slower and worse", 0.7, 20), row("good", 0.9, 30), row("good too", 0.9, 40)]
    assert [one.name for one in with_pareto(rows) if one.pareto] == ["fast", "good"]
    assert with_pareto([row("twin", 0.5, 1), row("other twin", 0.5, 1)])[0].pareto


def test_every_side_prior_and_look_is_a_way(plain_detector, plain_recognizer):
    shipped = load_bundle("recognizer", task="recognition")
    found = ways([plain_detector], [320, 640], [plain_recognizer, shipped])
    switches = 2 * (2 if shipped.card.second_look else 1)
    assert len(found) == 2 * (1 + switches)
    assert len({way.name for way in found}) == len(found)
    assert [way.side for way in ways([plain_detector], [], [plain_recognizer])] == [640]
    assert len(ways([plain_detector], [], [shipped], every=False)) == 1
    with pytest.raises(ConfigError, match="side 16: at least 32"):
        ways([plain_detector], [16], [plain_recognizer])


def test_a_detector_without_a_long_side_cannot_be_compared(make_detector, plain_recognizer, tmp_path):
    spec = {"resize": "fixed", "height": 64, "width": 64}
    with pytest.raises(ConfigError, match="sets no long side"):
        ways([make_detector(tmp_path / "fixed", preprocess=PreprocessSpec(**spec))], [], [plain_recognizer])


def test_figures_are_those_of_the_evaluation_and_finer_reads_at_least_as_well(pages, plain_detector, plain_recognizer):
    seen = []
    samples = list(read_samples(pages))
    chosen = ways([plain_detector], [32, 640], [plain_recognizer])
    rows = bench(chosen, samples, threads=1, progress=lambda: seen.append(1))
    assert len(seen) == 2 * len(samples)
    by_name = {one.name: one for one in rows}
    assert by_name["plain-detector@640, plain-recognizer"].hmean == 0.75
    assert by_name["plain-detector@32, plain-recognizer"].hmean <= 0.75
    assert all(one.cpu_ms >= 0 and one.wall_ms > 0 for one in rows)
    with pytest.raises(ConfigError, match="at least one annotated page"):
        bench(chosen, [])


@pytest.mark.parametrize("rows", [[row("only & one", 0.5, 10)], [row("a", 0.5, 10), row("b", 0.9, 40)]])
def test_the_plot_shows_every_way_once(rows):
    root = ET.fromstring(pareto_svg(with_pareto(rows), "two <pages>"))
    space = "{http://www.w3.org/2000/svg}"
    assert len(root.findall(f"{space}circle")) == len(rows)
    texts = [element.text for element in root.findall(f"{space}text")]
    assert {one.name for one in rows} <= set(texts)
    assert root.find(f"{space}title").text == "two <pages>"
    places = [(float(c.get("cx")), float(c.get("cy"))) for c in root.findall(f"{space}circle")]
    assert all(0 < x < 900 and 0 < y < 560 for x, y in places)
