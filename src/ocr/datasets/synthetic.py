"""Receipts and lines of text made from a seed, with their truth: data where none is at hand.

`receipt` is a page with polygons and texts, `line` a crop for a recognizer. The same seed gives the same image.
"""

import random
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from ocr.datasets.receipt_ink import Printed, draw_style, print_text
from ocr.datasets.receipt_layout import lay_out
from ocr.datasets.receipt_paper import Bend, blurred, coloured, fade, lit_paper, noisy, on_paper
from ocr.datasets.receipt_text import ReceiptText
from ocr.geometry.polygon import Polygon
from ocr.images.load import Rgb
from ocr.text.charset import Charset

DEFAULT_CHARSET = Charset.default()


@dataclass(frozen=True)
class SyntheticPage:
    """A receipt as RGB (H,W,3), and for each piece of text its polygon and transcript, from top to bottom."""

    image: Rgb
    polygons: list[Polygon]
    texts: list[str]


@dataclass(frozen=True)
class Wear:
    """How worn a page is, from 0 (as printed) to 1: fading, uneven light, blur, noise, bend and tilt."""

    fade: float
    light: float
    blur: float
    noise: float
    curl: float
    turn: float
    keystone: float

    @classmethod
    def draw(cls, rng: random.Random, severity: float) -> "Wear":
        """Draw a mix in which most pages have little of most things."""

        def some(share: float) -> float:
            return severity * rng.random() if rng.random() < share else severity * 0.1 * rng.random()

        return cls(some(0.5), some(0.5), some(0.4), some(0.5), some(0.25), rng.choice((-1, 1)) * some(0.3), some(0.2))


def receipt(
    seed: int,
    *,
    width: int | None = None,
    items: int | None = None,
    hangul: bool | None = None,
    severity: float = 1.0,
    charset: Charset | None = None,
) -> SyntheticPage:
    """Return one receipt.

    `width` is the paper's in pixels (drawn between 420 and 900 when None), `items` the number of goods (60 makes a long
    strip), `hangul` whether it is a Korean one (drawn when the charset has Hangul), `severity` in [0,1] how worn it
    may be.
    """
    rng = random.Random(f"receipt {seed}")
    charset = charset or DEFAULT_CHARSET
    hangul = (has_hangul(charset) and rng.random() < 0.5) if hangul is None else hangul
    width = width or rng.randint(420, 900)
    printed = lay_out(rng, ReceiptText(rng, charset, hangul=hangul), width, items or rng.randint(1, 14))
    height = printed.ink.shape[0]
    wear = Wear.draw(rng, severity)
    ink = fade(rng, printed.ink, wear.fade)
    darkness = rng.randint(0, 60) + int(60 * wear.fade)
    brightness = rng.randint(max(darkness + 90, 215), 255) if rng.random() < 0.9 else rng.randint(darkness + 70, 200)
    paper = noisy(rng, lit_paper(rng, (width, height), brightness, 0.22 * wear.light), 8 * wear.noise)
    page = on_paper(ink, paper, darkness)
    bend = Bend(
        rng,
        (width, height),
        margin=rng.choice((0, rng.randint(4, 24), rng.randint(20, 90))),
        curl=0.02 * width * wear.curl,
        turn=5 * wear.turn,
        keystone=0.12 * wear.keystone,
    )
    surface = rng.choice((rng.randint(0, 30), rng.randint(225, 255), rng.randint(40, 170)))
    background = noisy(rng, lit_paper(rng, bend.size, surface, 0.3), 10 * wear.noise)
    image = blurred(rng, bend.image(page, background), 1.4 * wear.blur * width / 700)
    image = noisy(rng, image, 2 + 10 * wear.noise)
    tint = rng.choice((0, 0, 8, 18))
    polygons = [bend.points(_outline(box, wear.curl)) for box in printed.boxes]
    return SyntheticPage(coloured(rng, image, tint / 2, tint), polygons, printed.texts)


def line(
    seed: int, text: str | None = None, *, charset: Charset | None = None, hangul: bool | None = None
) -> tuple[Rgb, str]:
    """Return a crop (H,W,3) of one line, mostly 10 to 56 pixels high, and its text.

    Without a `text` one is drawn: cased lines as receipts have them, and now and then any characters of the charset.
    A crop is as loose, tilted, faded and blurred as detectors and printers make them, but a human can read it.
    """
    rng = random.Random(f"line {seed}")
    charset = charset or DEFAULT_CHARSET
    if text is None:
        hangul = (has_hangul(charset) and rng.random() < 0.5) if hangul is None else hangul
        text = ReceiptText(rng, charset, hangul=hangul).draw("line")
    height = rng.choice((rng.uniform(14, 24), rng.uniform(18, 34), rng.uniform(28, 48)))
    style = draw_style(rng, text, height)
    printed = print_text(style, _spread(rng, text))
    ink = _surrounded(rng, printed, height)
    if rng.random() < 0.35:
        ink = fade(rng, ink, rng.random())
    ink = _tilted(rng, ink)
    darkness = rng.randint(0, 110)
    brightness = rng.randint(min(255, darkness + 70), 255) if rng.random() < 0.35 else rng.randint(222, 255)
    paper: Rgb | int = brightness
    if rng.random() < 0.4:
        paper = lit_paper(rng, (ink.shape[1], ink.shape[0]), brightness, rng.uniform(0, 0.25))
    image = blurred(rng, on_paper(ink, paper, darkness), max(0.0, rng.gauss(0.2, 0.5)) * height / 26)
    if rng.random() < 0.35:
        scale = rng.uniform(0.4, 0.9) if height > 22 else rng.uniform(0.75, 0.95)
        image = np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    if rng.random() < 0.6:
        image = noisy(rng, image, rng.uniform(1, (brightness - darkness) / 9))
    if rng.random() < 0.04:
        image = cv2.bitwise_not(image)
    tint = rng.choice((0, 0, 0, 6, 25))
    return coloured(rng, image, tint, tint / 2), text


@lru_cache(maxsize=16)
def has_hangul(charset: Charset) -> bool:
    """Whether the charset has Hangul syllables."""
    return any("가" <= c <= "힣" for c in charset.characters)


def _spread(rng: random.Random, text: str) -> str:
    """Widen one gap, as columns of a receipt stand apart while their label has one space."""
    if " " in text and rng.random() < 0.1:
        words = text.split(" ")
        place = rng.randrange(1, len(words))
        return " ".join(words[:place]) + " " * rng.randint(2, 5) + " ".join(words[place:])
    return text


def _surrounded(rng: random.Random, printed: Printed, height: float) -> npt.NDArray[np.uint8]:
    """Return the ink in a crop with loose or tight margins, now and then with a rule or bits of other lines in it."""
    x0, y0, x1, y1 = (round(side) for side in printed.box)
    ink = printed.ink[max(0, y0) : y1, max(0, x0) : x1]
    loose = 0.06 if rng.random() < 0.5 else 0.22
    top, bottom = (round(height * rng.uniform(0, loose)) for _ in range(2))
    left, right = (round(height * rng.uniform(0, 2 * loose)) for _ in range(2))
    crop = np.asarray(cv2.copyMakeBorder(ink, top, bottom, left, right, cv2.BORDER_CONSTANT, value=0), np.uint8)
    if rng.random() < 0.08:
        row = rng.choice((0, crop.shape[0] - 1 - rng.randint(0, 1)))
        crop[row : row + rng.randint(1, 2)] = rng.randint(120, 255)
    if bottom > 2 and rng.random() < 0.15:
        # The tops of the next line: the lowest rows of a copy of this one, shifted.
        other = np.roll(ink[:bottom], rng.randrange(ink.shape[1]), axis=1)
        crop[-min(bottom - 1, len(other)) :, left : left + ink.shape[1]] |= other[: bottom - 1]
    return crop


def _tilted(rng: random.Random, ink: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return the ink slanted and tilted a little; tilts are such that a long line stays inside the crop."""
    if rng.random() < 0.5:
        return ink
    height, width = ink.shape
    slant = rng.gauss(0, 0.06)
    rise = rng.uniform(-0.12, 0.12) * height
    matrix = np.array([(1, slant, -slant * height / 2), (rise / width, 1, -rise / 2)], np.float32)
    return np.asarray(cv2.warpAffine(ink, matrix, (width, height), flags=cv2.INTER_LINEAR), np.uint8)


def _outline(box: tuple[float, float, float, float], curl: float) -> Polygon:
    """Return the box as a quad, or where the page is bent as a polygon that follows the bend."""
    x0, y0, x1, y1 = box
    count = 2 if curl < 0.2 else 5
    across = np.linspace(x0, x1, count)
    top = np.column_stack([across, np.full(count, y0)])
    bottom = np.column_stack([across[::-1], np.full(count, y1)])
    return np.concatenate([top, bottom]).astype(np.float32)
