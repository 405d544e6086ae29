"""Printed text as ink: what thermal heads, needle printers and laser printers leave on paper."""

import random
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from ocr.fonts.find import font_path, fonts_for

Ink = npt.NDArray[np.uint8]
"""uint8 (H,W): 0 no ink, 255 full ink."""

PAD = 2  # pixels around the ink that blur and thick strokes may use
PIXEL_FONTS = ("mono-terminal", "mono-pixel", "mono-narrow", "mono", "mono-plain", "hangul-mono")
MONO_SHARE = 0.55


@dataclass(frozen=True)
class Style:
    """How one line is printed: `size` in pixels before stretching; `dot` > 0 is the pitch of a needle printer."""

    font: str
    size: int
    stretch_x: float = 1.0
    stretch_y: float = 1.0
    pixels: bool = False
    dot: int = 0
    weight: int = 0

    def double(self, x: float, y: float) -> "Style":
        """Return the style in which printers set headings: the same dots, wider or higher."""
        return replace(self, stretch_x=self.stretch_x * x, stretch_y=self.stretch_y * y)


class Printed(NamedTuple):
    """The ink of one line and the box (x_min, y_min, x_max, y_max) around its text, in pixels of the ink."""

    ink: Ink
    box: tuple[float, float, float, float]


def draw_style(rng: random.Random, text: str, height: float, *, mono: bool | None = None) -> Style:
    """Draw a style in which capitals are about `height` * 0.7 pixels high, with a font that has all of the text."""
    mono = rng.random() < MONO_SHARE if mono is None else mono
    able = fonts_for(text)
    chosen = [name for name in able if name.startswith("mono") == mono or name == "hangul-mono"] or able
    if not chosen:
        raise ValueError(f"no shipped font has all characters of {text!r}")
    font = rng.choice(chosen)
    squeeze = rng.uniform(0.75, 1.15) if rng.random() < 0.5 else 1.0
    if font in PIXEL_FONTS and rng.random() < 0.5:
        # A printer's own font: few dots, each as large as `height` makes it, often higher than wide.
        size = rng.choice((12, 12, 13, 14, 16))
        scale = height / size
        tall = rng.choice((1.0, 1.0, 1.3, 1.7))
        dot = rng.choice((0, 3, 4)) if scale > 1.2 and rng.random() < 0.4 else 0
        return Style(font, size, scale * squeeze / tall**0.5, scale * tall**0.5, pixels=True, dot=dot)
    weight = rng.choice((-1, 0, 0, 0, 0, 0, 1)) if height >= 22 else 0
    return Style(font, max(6, round(height)), squeeze, rng.uniform(0.9, 1.15), weight=weight)


def print_text(style: Style, text: str) -> Printed:
    """Print one line of text; the box is the ink's, but never lower than the small letters are high."""
    font = _font(style.font, style.size)
    left, top, right, bottom = font.getbbox(text, anchor="ls")
    top, bottom = min(top, _x_height(style.font, style.size)), max(bottom, 0)
    width, height = max(1, int(right - left)), max(1, int(bottom - top))
    canvas = Image.new("L", (width + 2 * PAD, height + 2 * PAD))
    pen = ImageDraw.Draw(canvas)
    pen.fontmode = "1" if style.pixels else "L"
    pen.text((PAD - left, PAD - top), text, 255, font, anchor="ls")
    ink: Ink = np.asarray(canvas)
    if style.dot:
        ink = _as_dots(ink, style.dot)
    scale_x, scale_y = style.stretch_x, style.stretch_y
    if style.dot or (scale_x, scale_y) != (1.0, 1.0):
        size = max(1, round(canvas.width * scale_x)), max(1, round(canvas.height * scale_y))
        rough = style.pixels and not style.dot and min(scale_x, scale_y) >= 1
        smooth = cv2.INTER_AREA if style.dot > max(scale_x, scale_y) else cv2.INTER_LINEAR
        ink = np.asarray(cv2.resize(ink, size, interpolation=cv2.INTER_NEAREST if rough else smooth), np.uint8)
        scale_x, scale_y = size[0] / canvas.width, size[1] / canvas.height
    if style.weight:
        thicken = cv2.dilate if style.weight > 0 else cv2.erode
        ink = np.asarray(thicken(ink, np.ones((2, 2), np.uint8)), np.uint8)
    box = (PAD * scale_x, PAD * scale_y, (PAD + width) * scale_x, (PAD + height) * scale_y)
    return Printed(ink, box)


@lru_cache(maxsize=256)
def _font(name: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(font_path(name)), size, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=256)
def _x_height(name: str, size: int) -> float:
    """Return the top of a small x, negative, in pixels from the base line."""
    return float(_font(name, size).getbbox("x", anchor="ls")[1])


def _as_dots(ink: Ink, pitch: int) -> Ink:
    """Enlarge by `pitch`, each pixel a round dot that fades towards its edge."""
    large = cv2.resize(ink, None, fx=pitch, fy=pitch, interpolation=cv2.INTER_NEAREST)
    rows, columns = ink.shape
    return np.asarray(cv2.multiply(large, np.tile(_dot(pitch), (rows, columns)), scale=1 / 255), np.uint8)


@lru_cache(maxsize=8)
def _dot(pitch: int) -> Ink:
    offset = np.arange(pitch) - (pitch - 1) / 2
    distance = np.hypot(offset[:, None], offset) / (pitch / 2)
    dot: Ink = (255 * np.clip(1.25 - 0.6 * distance**2, 0, 1)).astype(np.uint8)
    return dot
