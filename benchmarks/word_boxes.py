"""Where readers say that words stand, on drawn pages whose words' places are known: ours, Tesseract's, RapidOCR's.

    python benchmarks/word_boxes.py --texts ../shared/data/text/enwiki_part.txt --peer rapidocr=PYTHON \\
      --peer tesseract=PYTHON

Prose in proportional and fixed fonts, and receipts with prices far from what they are for. A word counts as found
when a word of the same text overlaps it; figures are of the share that both have in common of the width that they cover
together.
"""

import argparse
import csv
import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean

# Text and left, top, right, bottom in pixels.
Word = tuple[str, float, float, float, float]

FONTS = ("sans", "serif", "mono", "sans-condensed", "sans-wide", "mono-plain")
PAGES = 24
KINDS = ("prose", "receipts")


def ours(files: list[str]) -> Iterator[list[Word]]:
    """The shipped reader, words as every format gets them."""
    from ocr.formats.words import words
    from ocr.images.load import load_image
    from ocr.inference.engine import open_reader

    reader = open_reader()
    for file in files:
        lines = reader.read(load_image(Path(file)), source=file).lines
        yield [(word.text, *_box(word.quad.tolist())) for line in lines for word in words(line)]


def rapidocr(files: list[str]) -> Iterator[list[Word]]:
    """RapidOCR's own word boxes."""
    from rapidocr import RapidOCR

    engine = RapidOCR(params={"Global.log_level": "critical"})
    for file in files:
        lines = engine(file, return_word_box=True).word_results or []
        yield [(text.strip(), *_box(box)) for line in lines for text, _, box in line]


def tesseract(files: list[str]) -> Iterator[list[Word]]:
    """Tesseract's own word boxes, the page taken as one block."""
    for file in files:
        command = ["tesseract", file, "-", "--psm", "6", "-l", "eng", "tsv"]
        table = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        found: list[Word] = []
        for row in csv.DictReader(table.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE):
            if row["text"] and row["text"].strip():
                left, top, width, height = (float(row[name]) for name in ("left", "top", "width", "height"))
                found.append((row["text"], left, top, left + width, top + height))
        yield found


READERS = {"ocr": ours, "rapidocr": rapidocr, "tesseract": tesseract}


def _box(points: list[list[float]]) -> tuple[float, float, float, float]:
    across, down = zip(*points, strict=True)
    return min(across), min(down), max(across), max(down)


def draw(texts: Path, folder: Path) -> list[tuple[str, str, list[Word]]]:
    """Write pages; return the file, the kind and the words of each."""
    import numpy as np
    from PIL import Image, ImageDraw, ImageFilter, ImageFont

    from ocr.fonts.find import font_path

    chance = random.Random(7)
    plenty = [word for word in texts.read_text(encoding="utf-8").split() if word.isascii() and len(word) < 16]
    pages = []
    for number in range(PAGES):
        kind = KINDS[number % 2]
        font = ImageFont.truetype(str(font_path(FONTS[number // 2 % len(FONTS)])), chance.choice((18, 22, 26, 30)))
        width = 1100 if kind == "prose" else 620
        page = Image.new("RGB", (width, 1000), "white")
        pen, space, words = ImageDraw.Draw(page), font.getlength(" "), []
        for top in range(30, 950, round(font.size * 1.7)):
            x, price = 30.0, f"{chance.uniform(1, 200):.2f}"
            end = width - 30 - (0 if kind == "prose" else font.getlength(price) + 2 * space)
            row = []
            for word in chance.sample(plenty, 14 if kind == "prose" else 3):
                if x + font.getlength(word) > end:
                    break
                row.append((word, x))
                x += font.getlength(word) + space * chance.choice((1, 1, 1.5, 2))
            if kind == "receipts":
                row.append((price, width - 30 - font.getlength(price) - chance.choice((0, 50))))
            for word, left in row:
                pen.text((left, top), word, fill="black", font=font)
                alone = Image.new("L", page.size)
                ImageDraw.Draw(alone).text((left, top), word, fill="white", font=font)
                words.append((word, *map(float, alone.getbbox())))
        grey = np.asarray(page.filter(ImageFilter.GaussianBlur(0.6)), np.float32)
        grey = grey + np.random.default_rng(number).normal(0, 8, grey.shape[:2])[:, :, None]
        file = str(folder / f"{number:02}.png")
        Image.fromarray(grey.clip(0, 255).astype(np.uint8)).save(file)
        pages.append((file, kind, words))
    return pages


def in_common(one: Word, other: Word) -> float:
    """Share in [0,1] that two words have in common of the width they cover, 0 where they are not on one line."""
    if min(one[4], other[4]) <= max(one[2], other[2]):
        return 0.0
    both = min(one[3], other[3]) - max(one[1], other[1])
    return max(0.0, both) / (max(one[3], other[3]) - min(one[1], other[1]))


def main() -> int:
    """Draw, ask each reader, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=Path, help="a file of English text to draw words from")
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=PYTHON")
    parser.add_argument("--reader", choices=READERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.reader:
        print(json.dumps(list(READERS[options.reader](json.load(sys.stdin)))))
        return 0
    if options.texts is None:
        parser.error("--texts: name a file of English text")
    with tempfile.TemporaryDirectory() as folder:
        pages = draw(options.texts, Path(folder))
        print("| reader | kind | words found | common width, mean | at least .5 | at least .8 |")
        print("|---|---|---|---|---|---|")
        for name, python in [("ocr", sys.executable), *(peer.split("=", 1) for peer in options.peer)]:
            asked = json.dumps([file for file, _, _ in pages])
            command = [python, __file__, "--reader", name]
            told = json.loads(subprocess.run(command, input=asked, capture_output=True, text=True, check=True).stdout)
            for kind in KINDS:
                true = [
                    (word, read)
                    for (_, its, words), read in zip(pages, told, strict=True)
                    if its == kind
                    for word in words
                ]
                best = [
                    max((in_common(word, one) for one in read if one[0] == word[0]), default=0.0) for word, read in true
                ]
                found = [share for share in best if share > 0]
                parts = [f"{fmean(share >= least for share in found):.3f}" for least in (0.5, 0.8)]
                print(f"| {name} | {kind} | {len(found)} of {len(true)} | {fmean(found):.3f} | {' | '.join(parts)} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
