"""What no page may do to the shipped reader: lose lines by being turned, long or wide, or give text where none is."""

import itertools
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from ocr.datasets.annotations import read_samples
from ocr.fonts.find import font_path
from ocr.inference.engine import Reader, open_reader

ROOT = Path(__file__).resolve().parents[3]
SIDE = (900, 1200)  # height, width


@pytest.fixture(scope="module")
def reader() -> Reader:
    return open_reader()


def words(lines) -> Counter[str]:
    return Counter(word for line in lines for word in line.upper().split())


def word_f1(page, truth: Counter[str]) -> float:
    read = words(line.text for line in page.lines)
    return 2 * (read & truth).total() / (read.total() + truth.total())


def turned(image: np.ndarray, degrees: float) -> np.ndarray:
    """The image turned counter-clockwise, whole, on white."""
    if degrees % 90 == 0:
        return np.ascontiguousarray(np.rot90(image, int(degrees // 90)))
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    cos, sin = abs(matrix[0, 0]), abs(matrix[0, 1])
    size = (int(height * sin + width * cos), int(height * cos + width * sin))
    matrix[:, 2] += (size[0] - width) / 2, (size[1] - height) / 2
    return cv2.warpAffine(image, matrix, size, flags=cv2.INTER_CUBIC, borderValue=(255, 255, 255))


def test_a_receipt_that_is_turned_reads_as_the_upright_one(reader, ocr_data):
    samples = list(itertools.islice(read_samples(ocr_data / "sroie" / "train"), 3))
    lost = Counter()
    for sample in samples:
        image, truth = sample.load(), words(text for text in sample.texts if text)
        upright = word_f1(reader.read(image, source=""), truth)
        assert upright > 0.8
        for degrees in (90, 180, 270, 7):
            lost[degrees] += upright - word_f1(reader.read(turned(image, degrees), source=""), truth)
    assert {degrees: total / len(samples) for degrees, total in lost.items() if total / len(samples) >= 0.02} == {}


def test_no_line_of_a_long_strip_is_lost(reader, ocr_data):
    parts, lines, height = [], 0, 0
    for sample in read_samples(ocr_data / "sroie" / "train"):
        image = sample.load()
        size = (800, round(image.shape[0] * 800 / image.shape[1]))
        parts.append(cv2.resize(image, size, interpolation=cv2.INTER_AREA))
        lines += len(reader.read(parts[-1], source="").lines)
        height += parts[-1].shape[0]
        if height > 6000:
            break
    page = reader.read(np.concatenate(parts), source="")
    assert len(page.lines) >= 0.98 * lines


@pytest.mark.parametrize("length", [30, 60, 90])
def test_lines_twenty_times_as_long_as_high_and_longer_are_read_whole(reader, length):
    text = "INVOICE NUMBER TOTAL SALES INCLUSIVE OF TAX RM 1,234.50 CASHIER ROUNDING ADJUSTMENT CHANGE DUE"[:length]
    font = ImageFont.truetype(str(font_path("mono")), 28)
    image = Image.new("RGB", (int(font.getlength(text)) + 80, 320), "white")
    for row in range(3):
        ImageDraw.Draw(image).text((40, 40 + 70 * row), text, fill=(30, 30, 30), font=font)
    left, top, right, bottom = font.getbbox(text)
    assert right - left >= 20 * (bottom - top)
    page = reader.read(np.asarray(image), source="")
    assert [line.text.replace(" ", "") for line in page.lines] == [text.strip().replace(" ", "")] * 3


def noise(deviation: float, blur: float = 0.0) -> np.ndarray:
    grey = np.random.default_rng(0).normal(128, deviation, SIDE)
    if blur:
        grey = cv2.normalize(cv2.GaussianBlur(grey, (0, 0), blur), None, 0, 255, cv2.NORM_MINMAX)
    return np.clip(grey, 0, 255).astype(np.uint8)[..., None].repeat(3, 2)


def shapes() -> np.ndarray:
    image, random = np.full((*SIDE, 3), 255, np.uint8), np.random.default_rng(0)
    for index in range(60):
        place = [int(random.integers(side)) for side in SIDE[::-1]]
        cv2.circle(image, place, int(random.integers(5, 80)), (0, 60, 120), -1 if index % 2 else 3)
        cv2.rectangle(image, place, [int(random.integers(side)) for side in SIDE[::-1]], (90, 30, 0), 2)
    return image


ROWS, COLUMNS = np.mgrid[: SIDE[0], : SIDE[1]]
PICTURES = {
    "white": np.full(SIDE, 255),
    "black": np.zeros(SIDE),
    "grey": np.full(SIDE, 128),
    "gradient": COLUMNS * 255 // SIDE[1],
    "stripes": ROWS // 20 % 2 * 255,
    "checks": (ROWS // 30 + COLUMNS // 30) % 2 * 255,
    "ruled paper": np.where((ROWS % 40 < 2) | (COLUMNS % 60 < 2), 60, 255),
    "noise": noise(80),
    "faint noise": noise(8),
    "clouds": noise(40, 15),
    "blobs": np.where(noise(40, 15)[..., 0] > 128, 255, 0),
    "shapes": shapes(),
}


@pytest.mark.parametrize("kind", PICTURES)
def test_where_there_is_no_text_no_line_is_found(reader, kind):
    picture = np.asarray(PICTURES[kind], np.uint8)
    image = picture if picture.ndim == 3 else picture[..., None].repeat(3, 2)
    assert [line.text for line in reader.read(np.ascontiguousarray(image), source="").lines] == []


@pytest.mark.slow
def test_memory_stays_flat_and_under_its_limit(ocr_data):
    code = """
import sys
from pathlib import Path
from memory import peak_mib, read_mixed
from ocr.images.load import load_image
from ocr.inference.engine import open_reader
reader, data = open_reader(threads=2), Path(sys.argv[1])
for file in sorted((data / "large" / "img").iterdir()):
    reader.read(load_image(file), source="")
seen = read_mixed(reader, sorted((data / "train" / "img").iterdir())[:30], 180, 30)
assert peak_mib() < 500, peak_mib()
assert seen[-1][1] < 1.05 * seen[2][1], seen
"""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT / "benchmarks"), *sys.path])}
    done = subprocess.run(
        [sys.executable, "-c", code, str(ocr_data / "sroie")],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=1800,
    )
    assert done.returncode == 0, done.stderr


def test_rules_drawn_with_characters_are_no_lines(reader):
    """Unless nothing is to be left out; a mark among words stays in any case."""
    page = Image.new("RGB", (700, 420), "white")
    pen, font = ImageDraw.Draw(page), ImageFont.truetype(str(font_path("mono")), 30)
    for row, text in enumerate(("COFFEE  4.50 *", "*" * 30, "TOTAL   4.50", "=" * 30)):
        pen.text((40, 40 + 90 * row), text, fill="black", font=font)
    image = np.asarray(page)
    texts = [line.text.replace(" ", "") for line in reader.read(image, source="").lines]
    assert "".join(texts) == "COFFEE4.50*TOTAL4.50"
    kept = Reader(reader.detector, reader.recognizer, noise=True).read(image, source="")
    assert any(set(line.text) == {"*"} for line in kept.lines)
