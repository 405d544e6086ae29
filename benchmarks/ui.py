"""Cold start of the web page: a new `ocr ui` process until it answers, and until Chromium shows the first page.

    python benchmarks/ui.py --times 5 > benchmarks/ui.md

The page is shown when its title and the sample receipt's lines are there; the title alone comes first. Each time is a
new process and a new browser profile; Chromium itself is started before the clock. Needs `pip install .[ui]`,
playwright and Debian's chromium.
"""

import argparse
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

from playwright.sync_api import sync_playwright

FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]


def once(chromium: str) -> dict[str, float]:
    """Seconds of one cold start, by what is there."""
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as profile:
        context = playwright.chromium.launch_persistent_context(profile, executable_path=chromium, args=FLAGS)
        page = context.new_page()
        began = time.perf_counter()
        command = [sys.executable, "-m", "ocr.cli.main", "ui", "--port", "0"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            found = re.search(r"http://\S+", process.stdout.readline())
            assert found is not None
            times = {}
            while "answers" not in times:
                try:
                    urllib.request.urlopen(found[0] + "/_stcore/health", timeout=1).close()
                    times["answers"] = time.perf_counter() - began
                except OSError:
                    time.sleep(0.02)
            page.goto(found[0])
            page.get_by_role("heading", name="Read").wait_for(timeout=120_000)
            times["first page"] = time.perf_counter() - began
            page.wait_for_selector(".lines li", timeout=120_000)
            times["sample read"] = time.perf_counter() - began
            process.terminate()
            process.wait(30)
        context.close()
    return times


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=5)
    times = parser.parse_args().times
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise SystemExit("no Chromium here: apt-get install chromium")
    before = os.getloadavg()[0]
    runs = [once(chromium) for _ in range(times)]
    print(
        f"Python {platform.python_version()}, {os.cpu_count()} cores, load {before:.1f} at the start, {times} times\n"
    )
    print("| seconds until | median | least | most |\n|---|---|---|---|")
    for name in runs[0]:
        values = [run[name] for run in runs]
        print(f"| {name} | {statistics.median(values):.2f} | {min(values):.2f} | {max(values):.2f} |")


if __name__ == "__main__":
    main()
