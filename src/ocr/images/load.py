"""Files to RGB pixels: header checked before decoding, EXIF orientation applied, every colour mode the same way out."""

import functools
import io
import itertools
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from ocr.errors import ImageError
from ocr.images.jpeg import read_jpeg_header

if TYPE_CHECKING:
    from PIL import Image, TiffImagePlugin

Rgb = NDArray[np.uint8]

# 9000 x 9000 passes; above 89.4 million Pillow itself begins to warn. At three bytes a pixel this is 268 MB.
MAX_PIXELS = 89_478_485
MIN_SIDE = 3
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_IMAGES = (b"\xff\xd8", b"\x89PNG", b"RIFF", b"BM", b"GIF8", *_TIFF)  # what files of these six kinds begin with

FORMATS = ("JPEG", "PNG", "TIFF", "WEBP", "BMP", "GIF")
_KINDS = "JPEG, PNG, WebP, TIFF, BMP or GIF"
# What Pillow's decoders raise on damaged files of these six kinds, besides OSError.
_DAMAGE = (OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, EOFError, OverflowError)
_TURNS = {3: cv2.ROTATE_180, 6: cv2.ROTATE_90_CLOCKWISE, 8: cv2.ROTATE_90_COUNTERCLOCKWISE}


class ImageHeader(NamedTuple):
    """What a file claims before it is decoded: size in pixels as displayed, orientation 1 to 8 as EXIF stores it."""

    format: str
    width: int
    height: int
    mode: str
    frames: int
    orientation: int


def read_header(source: Path | bytes, *, name: str | None = None, max_pixels: int = MAX_PIXELS) -> ImageHeader:
    """Return the header of an image without decoding it. Raises ImageError as ``load_image`` does."""
    data, name = read_file(source, name)
    if data.startswith(b"\xff\xd8") and (jpeg := read_jpeg_header(data)):
        width, height = (jpeg.width, jpeg.height) if jpeg.orientation < 5 else (jpeg.height, jpeg.width)
        header = ImageHeader("JPEG", width, height, jpeg.mode, 1, jpeg.orientation)
    else:
        header = _header(_open(data, name))
    _check_size(header.width, header.height, name, max_pixels)
    return header


def load_image(source: Path | bytes, *, name: str | None = None, max_pixels: int = MAX_PIXELS) -> Rgb:
    """Decode the first frame of an image to RGB uint8 (H, W, 3) as displayed, transparency on white.

    Raises ImageError when the file is missing, empty, damaged, truncated, of another kind, under 3 pixels on a side, or
    above ``max_pixels``, which is checked before any pixel is decoded.
    """
    data, name = read_file(source, name)
    if data.startswith(b"\xff\xd8") and (jpeg := read_jpeg_header(data)) and jpeg.complete:
        _check_size(jpeg.width, jpeg.height, name, max_pixels)
        # Two to three times as fast as Pillow, the same pixels; orientation is left to us.
        flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
        pixels: Rgb | None = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
        if pixels is not None:
            return _upright(pixels, jpeg.orientation)
    image = _open(data, name)
    _check_size(image.width, image.height, name, max_pixels)
    return _decode(image, name)


def load_pages(
    source: Path | bytes, *, name: str | None = None, max_pixels: int = MAX_PIXELS
) -> Iterator[Rgb | ImageError]:
    """Yield every page of a TIFF, and the first frame of anything else, as ``load_image`` returns it.

    A page of a TIFF that cannot be had is an ImageError in its place; one that is raised is about the whole file.
    """
    data, name = read_file(source, name)
    if not is_tiff(data):
        yield load_image(data, name=name, max_pixels=max_pixels)
        return
    image = _open_tiff(data, name)
    for number, damage in enumerate(_turn_pages(image), start=1):
        page = f"{name} page {number}"
        try:
            if damage is not None:
                raise _damaged(page, damage) from damage
            _check_size(image.width, image.height, page, max_pixels)
            pixels = _decode(image, page)
        except ImageError as error:
            yield error
        else:
            yield pixels


def count_pages(data: bytes, *, name: str) -> int:
    """Pages of a TIFF, those that cannot be read among them; 1 of anything else. Raises ImageError if it is no TIFF."""
    return sum(1 for _ in _turn_pages(_open_tiff(data, name))) if is_tiff(data) else 1


def is_tiff(data: bytes) -> bool:
    """Whether a file is a TIFF, the only kind of image that has pages."""
    return data.startswith(_TIFF)


def is_pdf(data: bytes) -> bool:
    """Whether a file is a PDF: a mark, blank lines or a letter's head may come before its header."""
    return data.startswith(b"%PDF") or (b"%PDF-" in data[:1024] and not data.startswith(_IMAGES))


def shown_name(path: Path | str) -> str:
    """What results and errors call a file: its path, with bytes that are no UTF-8 (old archives) as ``\\xc7``."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def read_file(source: Path | bytes, name: str | None = None) -> tuple[bytes, str]:
    """Return a file's bytes and the name errors call it by; raises ImageError when it is missing, a folder or empty."""
    if isinstance(source, bytes):
        data, name = source, name or "image"
    else:
        name = name or shown_name(source)
        try:
            data = source.read_bytes()
        except FileNotFoundError as error:
            raise ImageError(name, "no such file", "check the path") from error
        except IsADirectoryError as error:
            raise ImageError(name, "is a folder", "name the image files in it") from error
        except OSError as error:
            raise ImageError(name, f"cannot be read ({error.strerror})", "check its permissions") from error
    if not data:
        raise ImageError(name, "is empty", "copy or download it again")
    return data, name


@functools.cache
def _pillow() -> ModuleType:
    # Imported on use: a JPEG, the usual case, needs none of it.
    from PIL import Image, TiffImagePlugin, WebPImagePlugin

    del TiffImagePlugin, WebPImagePlugin  # importing them registers them; Image.init() would import forty others
    # Our own cap decides about sizes, and broken metadata is no reason not to read: neither needs a line on stderr.
    warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
    return Image


def _open(data: bytes, name: str) -> "Image.Image":
    pillow = _pillow()
    if is_pdf(data):
        raise ImageError(name, "is a PDF, not an image", "render its pages first, or give it to `ocr read`")
    try:
        image: Image.Image = pillow.open(io.BytesIO(data), formats=FORMATS)
    except pillow.DecompressionBombError as error:
        raise ImageError(name, "claims an enormous size", "refused unread; scale it down") from error
    except pillow.UnidentifiedImageError as error:
        raise ImageError(
            name, f"is not a {_KINDS} image, or its header is damaged", "convert it, or copy it again"
        ) from error
    except _DAMAGE as error:
        raise _damaged(name, error) from error
    return image


def _open_tiff(data: bytes, name: str) -> "TiffImagePlugin.TiffImageFile":
    _pillow()
    from PIL import TiffImagePlugin

    try:  # not by Pillow's `open`, which would refuse the whole file where its first page alone is enormous
        return TiffImagePlugin.TiffImageFile(io.BytesIO(data))
    except _DAMAGE as error:
        raise _damaged(name, error) from error


def _check_size(width: int, height: int, name: str, max_pixels: int) -> None:
    if min(width, height) < MIN_SIDE:
        raise ImageError(
            name,
            f"is {width} x {height} pixels, too small to hold text",
            f"at least {MIN_SIDE} x {MIN_SIDE} are needed",
        )
    if width * height > max_pixels:
        size = f"is {width} x {height} pixels ({width * height / 1e6:.0f} million)"
        raise ImageError(name, size, f"the limit is {max_pixels / 1e6:.0f} million; scale it down or cut it into pages")


def _header(image: "Image.Image") -> ImageHeader:
    orientation = _orientation(image)
    width, height = image.size
    if orientation >= 5 and image.format != "TIFF":  # Pillow turns the size of a TIFF at open, of the others never
        width, height = height, width
    return ImageHeader(str(image.format), width, height, image.mode, _frames(image), orientation)


def _frames(image: "Image.Image") -> int:
    if image.format == "TIFF":
        return sum(1 for _ in _turn_pages(image))
    try:
        return int(getattr(image, "n_frames", 1))
    except _DAMAGE:
        return 1  # a damaged list of frames: the first may still be whole, and decoding it will tell


def _turn_pages(image: "Image.Image") -> Iterator[Exception | None]:
    """Go to one page of a TIFF after the other, and say what is wrong with its entry in the list of pages.

    The list ends where it is damaged; a page that it points to but that is not there counts.
    """
    for index in itertools.count():
        try:
            image.seek(index)
        except EOFError:
            return
        except _DAMAGE as error:
            yield error
            if image.tell() < index:  # not the page is odd: the list cannot be followed to it
                return
        else:
            yield None


def _orientation(image: "Image.Image") -> int:
    try:
        value = image.getexif().get(0x0112, 1)
    except _DAMAGE:
        return 1  # metadata may be broken where the pixels are not
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _decode(image: "Image.Image", name: str) -> Rgb:
    try:
        image.load()
        orientation = _orientation(image)  # after load: Pillow itself turns a TIFF and then drops the tag
        return _upright(_rgb(image), orientation)
    except MemoryError as error:
        raise ImageError(
            name, f"needs more memory than there is ({image.size[0]} x {image.size[1]})", "scale it down"
        ) from error
    except _DAMAGE as error:
        raise _damaged(name, error) from error


def _rgb(image: "Image.Image") -> Rgb:
    if image.mode.startswith("I;16"):
        return _grey((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode in ("I", "F"):
        return _grey(_stretched(np.asarray(image)))
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        layer = image.convert("RGBA")
        image = _pillow().new("RGB", layer.size, "white")
        image.paste(layer, mask=layer.getchannel("A"))
    return np.array(image.convert("RGB"), dtype=np.uint8)


def _grey(values: NDArray[np.uint8]) -> Rgb:
    pixels: Rgb = cv2.cvtColor(values, cv2.COLOR_GRAY2RGB)
    return pixels


def _stretched(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Scale 32-bit grey values to 0..255 by their own range: such files state no white level."""
    finite = np.nan_to_num(values.astype(np.float32), posinf=0.0, neginf=0.0)
    low, high = float(finite.min()), float(finite.max())
    if low >= 0 and 1 < high <= 255:
        low, high = 0.0, 255.0
    return ((finite - low) * (255.0 / max(high - low, 1e-12))).astype(np.uint8)


def _upright(pixels: Rgb, orientation: int) -> Rgb:
    if orientation == 1:
        return pixels
    turned: Rgb
    if orientation in (5, 7):  # mirrored along one diagonal or the other
        turned = cv2.transpose(pixels)
        return turned if orientation == 5 else _upright(turned, 3)
    if orientation in (2, 4):
        turned = cv2.flip(pixels, 1 if orientation == 2 else 0)
    else:
        turned = cv2.rotate(pixels, _TURNS[orientation])
    return turned


def _damaged(name: str, error: Exception) -> ImageError:
    detail = str(error).strip() or type(error).__name__
    return ImageError(name, f"is damaged or truncated ({detail})", "copy or download it again")
