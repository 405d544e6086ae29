"""Each page as Streamlit's own test harness runs it: no browser, the real models."""

import io
import json
import re
from pathlib import Path

import pytest
from PIL import Image

from ocr.ui import models

PAGES = ("read", "compare", "checkpoints", "runs", "errors", "audit")


def messages(app) -> str:
    return " ".join(element.value for element in [*app.error, *app.info, *app.warning, *app.caption, *app.success])


def lines_shown(app) -> int:
    return int(re.search(r"(\d+) lines", messages(app))[1])


def widget(kind, key):
    return next(one for one in kind if one.key == key)


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_where_there_is_nothing(page, open_page, tmp_path, monkeypatch):
    monkeypatch.setenv("OCR_UI_ROOTS", str(tmp_path / "absent"))
    app = open_page(page)
    assert app.title[0].value.lower() == page
    assert not app.error


@pytest.mark.parametrize("page", ["checkpoints", "runs"])
def test_folders_of_runs_that_hold_none_are_named(page, open_page, tmp_path, monkeypatch):
    monkeypatch.setenv("OCR_UI_ROOTS", str(tmp_path))
    assert f"No {page} in `{tmp_path}` yet" in messages(open_page(page))


def test_reading_a_sample_counts_its_lines_and_a_threshold_leaves_lines_out_without_reading_again(
    open_page, outputs, monkeypatch
):
    app = open_page("read")
    first = lines_shown(app)
    monkeypatch.setattr("ocr.inference.engine.Reader.read", lambda *a, **k: pytest.fail("the network ran again"))
    app.slider(key="confidence").set_value(0.95).run()
    assert not app.exception
    assert 0 < lines_shown(app) < first


def test_uploads_that_cannot_be_read_are_one_line_each_and_the_rest_is_shown(open_page, outputs, report):
    app = open_page("read")
    widget(app.button_group, "read-way").set_value("Upload").run()
    good = (report.parent / "1.png").read_bytes()
    app.file_uploader[0].set_value(
        [
            ("torn.png", good[: len(good) // 2], "image/png"),
            ("empty.jpg", b"", "image/jpeg"),
            ("evil.pdf", b"%PDF-1.4\n%%EOF", "application/pdf"),
            ("text.png", b"<svg onload=alert(1)>", "image/png"),
            ("../../etc/passwd.png", good, "image/png"),
        ]
    ).run()
    assert not app.exception
    assert len(app.error) == 4
    assert all("\n" not in one.value and "Traceback" not in one.value for one in app.error)
    assert "lines" in messages(app)


def test_a_file_that_is_taken_away_is_forgotten(open_page, outputs, report):
    app = open_page("read")
    widget(app.button_group, "read-way").set_value("Upload").run()
    app.file_uploader[0].set_value([("1.png", (report.parent / "1.png").read_bytes(), "image/png")]).run()
    assert "lines" in messages(app)
    app.file_uploader[0].set_value([]).run()
    assert not app.exception
    assert "Still open" not in messages(app)
    assert "Choose a file" in messages(app)


ENORMOUS_PAGE = (
    b"%PDF-1.6\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj 3 0 obj"
    b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 14400 14400]/UserUnit 100>>endobj\ntrailer<</Root 1 0 R>>"
)


def wide_png() -> bytes:
    """A few kilobytes that would be 432 MB of pixels."""
    data = io.BytesIO()
    Image.new("1", (12_000, 12_000)).save(data, "PNG")
    return data.getvalue()


def upload(app, *files, page="read"):
    widget(app.button_group, f"{page}-way").set_value("Upload").run()
    app.file_uploader[0].set_value(list(files)).run()
    assert not app.exception


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("bomb.pdf", lambda _: ENORMOUS_PAGE, "million"),
        ("bomb.png", lambda _: wide_png(), "million"),
        ("noise.jpg", lambda _: bytes(50_000_000), "is not a JPEG"),
        ("noise.pdf", lambda _: b"%PDF-1.7\n" + bytes(49_000_000), "is not a whole PDF"),
        ("page.png", lambda _: b"PK\3\4" + bytes(100), "is not a JPEG"),
        ("both.gif", lambda _: b"GIF89a/*<script>alert(1)</script>*/", "is damaged|is not"),
        ("both.pdf", lambda good: b"<html>" + good, "is not a JPEG"),
        ("both.png", lambda good: good[:100] + b"%PDF-1.7" + good, "is damaged"),
    ],
)
def test_a_file_that_is_a_trap_is_one_line(open_page, outputs, report, name, data, message):
    app = open_page("read")
    upload(app, (name, data((report.parent / "1.png").read_bytes()), "application/octet-stream"))
    (error,) = app.error
    assert re.search(f"^{name}.*({message})", error.value)
    assert "\n" not in error.value


def test_a_pdf_that_would_be_rendered_for_hours_is_one_line_and_its_other_page_is_shown(
    open_page, outputs, slow_pdf, monkeypatch
):
    monkeypatch.setattr("ocr.ui.sources.PAGE_SECONDS", 2.0)
    app = open_page("read")
    upload(app, ("slow.pdf", slow_pdf, "application/pdf"))
    (error,) = app.error
    assert error.value == "slow.pdf: takes more than 2 s to render; print it to a new PDF, or send an image of it"
    assert "0 lines" in messages(app)


@pytest.mark.parametrize("name", ["image.png", "image.pdf"])
def test_a_file_is_what_its_content_is_and_what_follows_is_passed_over(open_page, outputs, report, name):
    """An image with a script and an archive behind it, under either name."""
    app = open_page("read")
    good = (report.parent / "1.png").read_bytes()
    upload(app, (name, good + b"<script>alert(1)</script>PK\3\4", "image/png"))
    assert not app.error
    assert lines_shown(app) > 5


def three_pages(report: Path) -> tuple[str, bytes, str]:
    data = io.BytesIO()
    first, *others = [Image.open(report.parent / f"{number}.png") for number in (1, 2, 3)]
    first.save(data, "TIFF", save_all=True, append_images=others)
    return "three.tiff", data.getvalue(), "image/tiff"


@pytest.fixture
def read(monkeypatch) -> list[int]:
    """Numbers of the pages that were read."""
    found: list[int] = []
    really = models.read
    monkeypatch.setattr(models, "read", lambda image, *a, **k: found.append(image.page) or really(image, *a, **k))
    return found


def test_a_threshold_costs_the_page_in_view_and_a_download_is_asked_for_after_it(open_page, outputs, report, read):
    app = open_page("read")
    read.clear()
    upload(app, three_pages(report))
    assert read == [1]
    assert not app.get("download_button")
    app.button(key="read-ask-for-all").click().run()
    assert read == [1, 2, 3]
    assert app.get("download_button")
    app.slider(key="box_threshold-detector").set_value(0.9).run()
    assert read == [1, 2, 3, 1]
    assert not app.get("download_button")
    app.button(key="own-thresholds").click().run()
    assert read == [1, 2, 3, 1]
    assert app.get("download_button")
    app.slider(key="confidence").set_value(0.9).run()
    assert app.get("download_button")
    assert not app.exception


def test_two_readings_are_compared(open_page, outputs):
    app = open_page("compare")
    assert "A and B are the same models" in messages(app)
    figures = {one.label: int(one.value) for one in app.metric}
    assert figures["Same"] > 0
    assert (figures["Other text"], figures["Only A"], figures["Only B"]) == (0, 0, 0)
    app.toggle(key="compare-doubtful").set_value(True).run()
    assert not app.exception
    assert "A and B are the same models" not in messages(app)
    assert not int(next(one.value for one in app.metric if one.label == "Only A"))


def test_of_many_pages_the_one_in_view_is_compared_and_all_when_asked_for(open_page, outputs, report, read):
    def figures() -> dict[str, int]:
        return {one.label: int(one.value) for one in app.metric}

    app = open_page("compare")
    app.selectbox(key="b-recognition").set_value("recognizer-large (shipped)").run()
    read.clear()
    upload(app, three_pages(report), page="compare")
    assert read == [1, 1]
    app.selectbox(key="compare-page").select_index(1).run()
    assert read == [1, 1, 2, 2]
    assert not app.dataframe
    app.button(key="compare-ask-for-all").click().run()
    assert read == [1, 1, 2, 2, 3, 3]
    rows = app.dataframe[0].value.to_dict("records")
    assert sorted(row.pop("Page") for row in rows) == [f"three.tiff, page {number}" for number in (1, 2, 3)]
    differences = [sum(row.values()) - row["Same"] for row in rows]
    assert differences == sorted(differences, reverse=True)
    assert differences[0] > differences[2]
    assert figures() == rows[0] != rows[2]
    app.session_state["compared-pages"] = {"selection": {"rows": [2], "columns": [], "cells": []}}
    app.run()
    assert figures() == rows[2]
    assert len(read) == 6
    app.toggle(key="compare-doubtful").set_value(True).run()
    assert not app.dataframe  # of other settings nothing was asked for
    assert not app.exception


def test_checkpoints_are_listed_in_both_layouts_found_and_told_apart(open_page, outputs):
    app = open_page("checkpoints")
    table = app.dataframe[0].value
    assert sorted(table["layout"]) == ["current", "current", "current", "old"]
    assert "4 of 4 checkpoints" in messages(app)
    app.text_input(key="search").set_value("resnet18 receipts_v1").run()
    assert list(app.dataframe[0].value["layout"]) == ["old"]
    assert any("ocr migrate" in one.value for one in app.markdown)
    assert app.button(key="open").disabled
    app.text_input(key="search").set_value("").run()
    app.text_input(key="where").set_value("hmean>0.915").run()
    assert list(app.dataframe[0].value["score"]) == [0.92]
    assert not app.button(key="open").disabled
    app.text_input(key="where").set_value("hmean").run()
    assert len(app.error) == 1
    assert not app.exception


@pytest.mark.parametrize(("button", "page", "chosen"), [("open", "Read", "read"), ("open-compare", "Compare", "b")])
def test_a_checkpoint_is_taken_to_the_pages_that_read(open_app, outputs, button, page, chosen):
    app = open_app("checkpoints")
    app.text_input(key="where").set_value("hmean>0.915").run()
    app.button(key=button).click().run()
    assert not app.exception
    assert app.title[0].value == page
    path = outputs / "2026-01-31" / "12-00-02" / "checkpoints" / "best.ckpt"
    assert app.selectbox(key=f"{chosen}-detection").value == str(path)
    assert "ocr export" in app.error[0].value  # the file only stands for weights


def test_a_checkpoint_that_cannot_be_exported_is_one_line(open_page, outputs):
    """The file only stands for weights: `ocr export` refuses it, and the page says so."""
    app = open_page("read")
    options = app.selectbox(key="read-detection").options
    assert sum("(checkpoint)" in option for option in options) == 2
    app.selectbox(key="read-detection").select_index(len(options) - 1).run()
    assert not app.exception
    assert len(app.error) == 1
    assert "ocr export" in app.error[0].value


def test_runs_show_curves_and_what_differs(open_page, outputs):
    app = open_page("runs")
    assert len(app.dataframe[0].value) == 2
    assert app.multiselect(key="curves").value == ["train/loss", "val/hmean"]
    shown = [frame.value for frame in app.dataframe[1:]]
    keys = {key for frame in shown for key in frame["key"]}
    assert {"train.lr", "val/hmean"} <= keys
    app.text_input(key="runs-where").set_value("status=running").run()
    assert "No run fits" in messages(app)


def test_a_torn_metrics_file_does_not_stop_the_page(open_page, outputs):
    for path in outputs.rglob("metrics.csv"):
        path.write_bytes(path.read_bytes()[:100] + b"\0\xff\n3,nan,x")
    assert not open_page("runs").error


def test_an_evaluation_is_opened_at_its_worst_page(open_page, outputs, report):
    app = open_page("errors")
    app.text_input(key="report-path").set_value(str(report)).run()
    assert not app.exception
    assert not app.error
    pages = json.loads(report.read_text())["pages"]
    assert app.selectbox(key="error-page").options[0].startswith(pages[0]["name"])
    app.slider(key="threshold-detector").set_value(0.9).run()
    assert not app.exception


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"schema_version": 9}', b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_report_is_one_line(open_page, outputs, tmp_path, content):
    path = tmp_path / "report.json"
    path.write_bytes(content)
    app = open_page("errors")
    app.text_input(key="report-path").set_value(str(path)).run()
    assert not app.exception
    assert len(app.error) == 1
    assert "ocr eval" in app.error[0].value


@pytest.mark.parametrize("path", ["absent.json", "/", "nul\0.json"])
def test_a_report_that_cannot_be_read_is_one_line(open_page, outputs, path):
    app = open_page("errors")
    app.text_input(key="report-path").set_value(path).run()
    assert not app.exception
    assert len(app.error) == 1


def test_a_repository_is_audited(open_page, tmp_path: Path):
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    (tmp_path / "bad.py").write_text("from .absent import nothing\n")
    app = open_page("audit")
    app.text_input(key="audit-root").set_value(str(tmp_path)).run()
    app.button(key="audit").click().run()
    assert not app.exception
    assert "absent" in " ".join(app.dataframe[0].value["message"])
    app.text_input(key="audit-root").set_value(str(tmp_path / "absent")).run()
    app.button(key="audit").click().run()
    assert "is no folder" in messages(app)
