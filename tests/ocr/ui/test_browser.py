"""The pages in Chromium, as a user has them: `ocr ui` in a process of its own. Screenshots go to test-artifacts/."""

import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

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
    from playwright.sync_api import sync_playwright

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
    large.write_bytes((report.parent / "1.png").read_bytes() + bytes(51 << 20))
    page.goto(f"{server}/")
    page.get_by_role("radio", name="Upload").click()
    page.locator("input[type=file]").set_input_files([large])
    page.get_by_text("File must be 50.0MB or smaller.").wait_for()
    settle(page)
    assert page.locator("[data-testid=stException]").count() == 0
    page.locator("input[type=file]").set_input_files([report.parent / "2.png"])
    page.wait_for_selector(".lines li")
    shoot(page, "large-upload")


def test_traps_are_one_line_each_and_the_page_goes_on(server, page, tmp_path, report):
    files = {
        "noise.png": bytes(20 << 20),
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


def slide(page, name: str, key: str, times: int) -> None:
    """Move a slider by keys."""
    handle = page.get_by_role("slider", name=name)
    handle.focus()
    for _ in range(times):
        handle.press(key)


def test_a_threshold_acts_while_the_page_is_open(server, page):
    from playwright.sync_api import expect

    page.goto(f"{server}/")
    page.wait_for_selector(".lines li")
    settle(page)
    lines = page.locator(".lines li")
    before = lines.count()
    slide(page, "Box threshold", "ArrowRight", 15)
    expect(lines).not_to_have_count(before, timeout=90_000)
    page.wait_for_timeout(1000)  # what the slider has still to say
    settle(page)
    assert 0 < lines.count() < before
    shoot(page, "thresholds")
    page.get_by_role("button", name="The bundle's own thresholds").click()
    expect(lines).to_have_count(before, timeout=90_000)
    settle(page)
    shoot(page, "own-thresholds")
    assert page.get_by_role("button", name="The bundle's own thresholds").is_disabled()


def test_an_image_is_pasted(server, page, report):
    page.goto(f"{server}/")
    page.get_by_role("radio", name="Paste").click()
    page.wait_for_selector(".paste")
    settle(page)
    page.evaluate(
        """async (bytes) => {
            const data = new DataTransfer();
            data.items.add(new File([new Uint8Array(bytes)], "shot.png", { type: "image/png" }));
            document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true }));
        }""",
        list((report.parent / "2.png").read_bytes()),
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
