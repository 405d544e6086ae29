"""The pages in Chromium, as a user has them: `ocr ui` in a process of its own. Screenshots go to test-artifacts/."""

import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from base64 import b64encode
from pathlib import Path

import cv2
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[3]
SHOTS = ROOT / "test-artifacts" / "ui"
FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]

pytestmark = pytest.mark.browser


def find_chromium() -> str | None:
    return shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Debian's Chromium; with CI=true it is installed when it is missing, and needed."""
    required = os.environ.get("CI") == "true"
    if find_chromium() is None and required and os.geteuid() == 0:
        for command in ("update", "install -y --no-install-recommends chromium"):
            subprocess.run(["apt-get", *command.split()], check=False, capture_output=True, timeout=500)
    found = find_chromium()
    if found is None:
        reason = "no Chromium here: apt-get install chromium"
        pytest.fail(reason) if required else pytest.skip(reason)
    return found


@pytest.fixture
def server(outputs, report, tmp_path):
    """`ocr ui` on a free port; its address."""
    command = [sys.executable, "-m", "ocr.cli.main", "ui", "--port", "0", "--root", str(outputs)]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, cwd=tmp_path)
    line = process.stdout.readline()
    address = re.search(r"http://\S+", line)[0]
    for _ in range(600):
        try:
            urllib.request.urlopen(f"{address}/_stcore/health", timeout=5).close()
            break
        except OSError:
            assert process.poll() is None, (tmp_path / "log").read_text()
            time.sleep(0.1)
    yield address
    process.terminate()
    process.wait(30)
    assert "Traceback" not in (tmp_path / "log").read_text()


@pytest.fixture
def page(chromium_path, tmp_path):
    """A tab in a fresh profile; a request to anywhere but this machine fails the test."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=90_000)
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            str(tmp_path / "profile"),
            executable_path=chromium_path,
            args=FLAGS,
            viewport={"width": 1360, "height": 900},
        )
        context.set_default_timeout(90_000)
        asked = []
        context.on("request", lambda request: asked.append(request.url))
        yield context.new_page()
        context.close()
    foreign = [url for url in asked if not url.startswith(("http://127.0.0.1", "data:", "blob:", "chrome", "about:"))]
    assert not foreign


def settle(page) -> None:
    """Wait until the server has nothing left to send."""
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
    page.wait_for_timeout(400)


def shoot(page, name: str) -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}.png")


def test_reading_hovering_and_downloading(server, page, tmp_path):
    page.goto(f"{server}/")
    page.wait_for_selector(".lines li")
    settle(page)
    shapes, rows = page.locator("svg polygon[data-line]"), page.locator(".lines li")
    assert shapes.count() == rows.count() > 5
    rows.nth(3).hover()
    assert "on" in shapes.nth(3).get_attribute("class").split()
    shapes.nth(6).hover(force=True)
    assert "on" in rows.nth(6).get_attribute("class").split()
    assert "on" not in rows.nth(3).get_attribute("class").split()
    shoot(page, "read")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download").last.click()
    assert b'"lines"' in Path(waiting.value.path()).read_bytes()


def test_a_corrupt_upload_is_one_line_and_the_page_goes_on(server, page, tmp_path, report):
    torn = tmp_path / "torn.png"
    torn.write_bytes((report.parent / "1.png").read_bytes()[:2000])
    page.goto(f"{server}/")
    page.get_by_role("radio", name="Upload").click()
    page.locator("input[type=file]").set_input_files([torn, report.parent / "2.png"])
    page.wait_for_selector("[data-testid=stAlert]")
    page.wait_for_selector(".lines li")
    settle(page)
    assert page.locator("[data-testid=stAlert]").count() == 1
    assert "torn.png" in page.locator("[data-testid=stAlert]").inner_text()
    shoot(page, "corrupt-upload")


def test_a_file_above_the_limit_is_refused_in_the_page(server, page, tmp_path, report):
    large = tmp_path / "large.png"
    large.write_bytes((report.parent / "1.png").read_bytes() + bytes(49 << 20))  # of 1,000,000 bytes: 51.4
    page.goto(f"{server}/")
    page.get_by_role("radio", name="Upload").click()
    page.locator("input[type=file]").set_input_files([large])
    page.get_by_text("File must be 50.0MB or smaller.").wait_for()  # shown on hovering; the label says it at once
    assert page.get_by_text("up to 50 MB each; one marked red is larger or of another kind").first.is_visible()
    settle(page)
    assert page.locator("[data-testid=stException]").count() == 0
    page.locator("input[type=file]").set_input_files([report.parent / "2.png"])
    page.wait_for_selector(".lines li")
    shoot(page, "large-upload")


def test_traps_are_one_line_each_and_the_page_goes_on(server, page, tmp_path, report):
    files = {
        "noise.png": bytes(49_000_000),
        "page.pdf": b"%PDF-1.6\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>"
        b"endobj 3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 14400 14400]/UserUnit 100>>endobj\n"
        b"trailer<</Root 1 0 R>>",
        "script.gif": b"GIF89a/*<script>alert(1)</script>*/",
        "whole.png": (report.parent / "2.png").read_bytes() + b"<script>alert(1)</script>",
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    page.goto(f"{server}/")
    page.get_by_role("radio", name="Upload").click()
    page.locator("input[type=file]").set_input_files([tmp_path / name for name in files])
    page.wait_for_selector(".lines li")
    shoot(page, "traps")
    page.locator("[data-testid=stAlert]").nth(2).wait_for()  # the largest comes last
    settle(page)
    alerts = page.locator("[data-testid=stAlert]").all_inner_texts()
    assert {next(name for name in files if name in alert) for alert in alerts} == set(list(files)[:3])
    assert len(alerts) == 3
    shoot(page, "traps")


def test_a_damaged_image_of_49_megabytes_is_one_line(server, page, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (4000, 4200, 3), np.uint8)
    (tmp_path / "torn.png").write_bytes(cv2.imencode(".png", pixels)[1].tobytes()[:49_000_000])
    page.goto(f"{server}/")
    page.get_by_role("radio", name="Upload").click()
    page.locator("input[type=file]").set_input_files([tmp_path / "torn.png"])
    page.get_by_text("torn.png: is damaged or truncated").wait_for()
    settle(page)
    assert page.locator("[data-testid=stAlert]").count() == 1


def slide(page, name: str, key: str, times: int) -> None:
    """Move a slider by keys."""
    handle = page.get_by_role("slider", name=name)
    handle.focus()
    for _ in range(times):
        handle.press(key)


def test_a_threshold_acts_while_the_page_is_open(server, page):
    """No line is left at 1 and some are a little below; the detector's own thresholds bring all back."""
    from playwright.sync_api import expect

    page.goto(f"{server}/")
    page.wait_for_selector(".lines li")
    settle(page)
    lines, figures = page.locator(".lines li"), page.locator("[data-testid=stSliderThumbValue]")
    own = page.get_by_role("button", name="The bundle's own thresholds")
    before, usual = lines.count(), figures.all_inner_texts()
    expect(own).to_be_disabled()
    slide(page, "Box threshold", "ArrowLeft", 2)
    expect(own).to_be_enabled()
    own.click()  # at once, while the page may still read
    expect(figures).to_have_text(usual)
    expect(own).to_be_disabled()
    slide(page, "Box threshold", "End", 1)
    expect(lines).to_have_count(0)
    slide(page, "Box threshold", "ArrowLeft", 4)
    expect(figures.last).to_have_text("0.96")
    expect(lines).not_to_have_count(0)
    settle(page)
    assert 0 < lines.count() < before
    shoot(page, "thresholds")
    own.click()
    expect(lines).to_have_count(before)
    expect(figures).to_have_text(usual)
    expect(own).to_be_disabled()
    shoot(page, "own-thresholds")


def test_choices_and_uploads_are_kept_while_other_pages_are_looked_at(server, page, report):
    from playwright.sync_api import expect

    page.goto(f"{server}/")
    page.get_by_role("radio", name="Upload").click()
    page.locator("input[type=file]").set_input_files([report.parent / "1.png"])
    page.wait_for_selector(".lines li")
    settle(page)
    choose(page, "Recognizer", 0, "recognizer-large")
    slide(page, "Least confidence", "ArrowRight", 30)
    slide(page, "Box threshold", "ArrowLeft", 5)
    settle(page)
    also = page.locator("[data-testid=stCheckbox] input")
    page.get_by_text("Also what is usually left out").click()
    expect(also).to_be_checked()
    page.wait_for_timeout(400)  # until the page hears of it
    settle(page)
    figures = page.locator("[data-testid=stSliderThumbValue]")
    chosen, lines = figures.all_inner_texts(), page.locator(".lines li").all_inner_texts()
    for other in ("Checkpoints", "Read"):
        page.get_by_role("link", name=other).click()
        page.get_by_role("heading", name=other, exact=True).wait_for()
        settle(page)
    expect(page.get_by_text("Still open: 1.png")).to_be_visible()
    expect(figures).to_have_text(chosen)
    assert page.get_by_role("combobox", name="Recognizer").input_value() == "recognizer-large (shipped)"
    expect(also).to_be_checked()
    assert page.locator(".lines li").all_inner_texts() == lines
    shoot(page, "kept")


def test_an_image_is_pasted(server, page, report):
    page.goto(f"{server}/")
    page.get_by_role("radio", name="Paste").click()
    page.wait_for_selector(".paste")
    settle(page)
    page.evaluate(
        """async (encoded) => {
            const data = new DataTransfer();
            const bytes = Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0));
            data.items.add(new File([bytes], "shot.png", { type: "image/png" }));
            document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true }));
        }""",
        b64encode((report.parent / "2.png").read_bytes()).decode(),
    )
    page.wait_for_selector(".lines li")
    settle(page)
    assert page.locator(".lines li").count() > 5


@pytest.mark.parametrize("name", ["compare", "checkpoints", "runs", "audit"])
def test_the_other_pages_open(server, page, name):
    page.goto(f"{server}/{name}")
    page.get_by_role("heading", name=name.capitalize(), exact=True).wait_for()
    if name == "compare":
        page.locator("[data-testid=stMetric]").first.wait_for()
        page.locator("label", has_text="B also keeps").click()
        page.locator("label", has_text="Only what differs").click()
    if name == "audit":
        page.get_by_role("button", name="Audit").click()
        page.locator("[data-testid=stMetric], [data-testid=stAlert]").first.wait_for()
    settle(page)
    page.wait_for_timeout(1500)
    settle(page)
    assert page.locator("[data-testid=stException]").count() == 0
    shoot(page, name)


def test_a_finding_of_the_audit_is_shown_whole(server, page, tmp_path):
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    long = "a_module_whose_name_is_so_long_that_no_table_shows_a_message_with_it_to_its_end" * 2
    (tmp_path / "bad.py").write_text(f"from .{long} import nothing\n")
    page.goto(f"{server}/audit")
    box = page.get_by_role("textbox", name="Repository")
    box.fill(str(tmp_path))
    box.press("Enter")
    settle(page)
    page.get_by_role("button", name="Audit").click()
    page.locator("[data-testid=stDataFrame] .dvn-scroller").click(position={"x": 15, "y": 35 * 2 - 15})
    whole = page.locator("[data-testid=stCode]")
    whole.wait_for()
    assert "bad.py:1: " in whole.inner_text()
    assert long in whole.inner_text()
    shoot(page, "audit-finding")


def test_an_evaluation_is_opened(server, page, report):
    page.goto(f"{server}/errors")
    box = page.get_by_placeholder("report.json")
    box.fill(str(report))
    box.press("Enter")
    page.wait_for_selector(".lines li")
    page.locator("img").nth(2).wait_for()
    settle(page)
    shoot(page, "errors")
    page.get_by_role("tab", name="Slices").click()
    page.wait_for_timeout(1500)
    shoot(page, "errors-slices")


def test_many_pages_are_compared_and_a_row_of_their_table_is_looked_at(server, page, report):
    page.goto(f"{server}/compare")
    page.get_by_role("radio", name="Upload").click()
    page.locator("input[type=file]").set_input_files([report.parent / f"{number}.png" for number in (1, 2, 3)])
    page.locator("[data-testid=stMetric]").nth(3).wait_for()
    settle(page)
    choose(page, "Recognizer", 1, "recognizer-large")
    page.get_by_role("button", name="Compare all 3 pages").click()
    in_view = page.get_by_text("In view: ")
    in_view.wait_for()
    settle(page)
    worst = in_view.inner_text()
    shoot(page, "compare-all")
    page.locator("[data-testid=stDataFrame] .dvn-scroller").click(position={"x": 15, "y": 35 * 3})  # the second row
    page.wait_for_function("worst => !document.body.innerText.includes(worst)", arg=worst)
    settle(page)
    assert in_view.inner_text() != worst
    assert page.locator("[data-testid=stException]").count() == 0
    shoot(page, "compare-row")


@pytest.mark.parametrize(("button", "place", "number"), [("Read with it", "", 0), ("Compare with it", "compare", 1)])
def test_a_checkpoint_is_taken_to_the_pages_that_read(server, page, button, place, number):
    page.goto(f"{server}/checkpoints")
    box = page.get_by_role("textbox", name="Conditions")
    box.fill("hmean>0.915")
    box.press("Enter")
    page.get_by_text("1 of 4 checkpoints").wait_for()
    page.get_by_role("button", name=button).click()
    page.wait_for_url(f"{server}/{place}")
    page.locator("[data-testid=stAlert]").wait_for()  # the file only stands for weights: `ocr export` says so
    chosen = page.get_by_role("combobox", name="Detector").nth(number).input_value()
    assert chosen == "12-00-02/best 0.920 (checkpoint)"
    page.go_back()
    page.get_by_role("heading", name="Checkpoints", exact=True).wait_for()


@pytest.mark.slow
def test_checkpoints_of_real_trainings_are_found_compared_and_looked_into(trained, server, page, report):
    """From the catalog to the Read page; two of one training side by side; the maps of one with a threshold head."""
    page.goto(f"{server}/checkpoints")
    box = page.get_by_role("textbox", name="Search")
    box.fill(trained["second"].stem)
    box.press("Enter")
    page.get_by_text(str(trained["second"]), exact=True).wait_for()
    settle(page)
    assert page.get_by_text("Can it be opened here?").is_visible()
    shoot(page, "checkpoints-trained")
    page.get_by_role("button", name="Read with it").click()
    page.wait_for_url("**/")
    page.wait_for_selector(".lines li")
    settle(page)
    assert page.get_by_role("combobox", name="Detector").input_value().startswith(f"graph/{trained['second'].stem}")

    page.get_by_role("link", name="Compare").click()
    page.get_by_role("heading", name="Compare", exact=True).wait_for()  # the Read page has lists of these names too
    settle(page)
    choose(page, "Sample", 0, "Receipt, worn")
    for number, name in enumerate(("first", "second")):
        choose(page, "Detector", number, f"graph/{trained[name].stem}")
    page.locator("[data-testid=stMetric]").nth(3).wait_for()
    settle(page)
    counts = [int(text) for text in page.locator("[data-testid=stMetricValue]").all_inner_texts()]
    assert counts[0] > 0
    assert sum(counts[1:]) > 0
    assert page.locator(".lines li").count() == sum(counts[1:])
    shoot(page, "compare-trained")

    page.get_by_role("link", name="Errors").click()
    box = page.get_by_placeholder("report.json")
    box.fill(str(report))
    box.press("Enter")
    page.get_by_text("No threshold map").wait_for()  # the shipped bundle has none
    settle(page)
    shoot(page, "errors-shipped")
    choose(page, "Detector", 0, f"whole/{trained['whole'].stem}")
    page.locator("img").nth(3).wait_for()  # crop, probability, threshold, binary
    settle(page)
    assert page.get_by_text("No threshold map").count() == 0
    assert page.locator("[data-testid=stSliderThumbValue]").last.inner_text() == "0.30"  # its card's
    assert page.locator("[data-testid=stAlert]").count() == 0
    shoot(page, "errors-trained")


def choose(page, name: str, number: int, start: str) -> None:
    """Choose what starts so in the ``number``-th list of that name; typed: a long list holds only what is in view."""
    box = page.get_by_role("combobox", name=name).nth(number)
    box.scroll_into_view_if_needed()
    page.wait_for_timeout(400)  # scrolling closes a list, even one that opens just then
    box.fill(start)
    page.get_by_role("option").filter(has_text=start).first.click()
    page.wait_for_timeout(400)  # until the page hears of it
    settle(page)
