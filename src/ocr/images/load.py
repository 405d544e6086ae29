"""Files to RGB pixels: header checked before decoding, EXIF orientation applied, every colour mode the same way out."""

import functools
import io
import itertools
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
    from PIL import Image

Rgb = NDArray[np.uint8]

# 9000 x 9000 passes; above 89.4 million Pillow itself begins to warn. At three bytes a pixel this is 268 MB.
MAX_PIXELS = 89_478_485
MIN_SIDE = 3

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


def load_pages(source: Path | bytes, *, name: str | None = None, max_pixels: int = MAX_PIXELS) -> Iterator[Rgb]:
    """Yield every page of a TIFF, and the first frame of anything else, as ``load_image`` returns it."""
    data, name = read_file(source, name)
    if not data.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")):
        yield load_image(data, name=name, max_pixels=max_pixels)
        return
    image: Any = _open(data, name)
    for index in itertools.count():
        page = f"{name} page {index + 1}"
        try:
            image.seek(index)
        except EOFError:
            return  # that was the last page; a damaged list of pages is another error
        except _DAMAGE as error:
            raise _damaged(page, error) from error
        _check_size(image.width, image.height, page, max_pixels)
        yield _decode(image, page)


def read_file(source: Path | bytes, name: str | None = None) -> tuple[bytes, str]:
    """Return a file's bytes and the name errors call it by; raises ImageError when it is missing, a folder or empty."""
    if isinstance(source, bytes):
        data, name = source, name or "image"
    else:
        name = name or str(source)
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
    if data.startswith(b"%PDF"):
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
        return _tiff_pages(image)
    try:
        return int(getattr(image, "n_frames", 1))
    except _DAMAGE:
        return 1  # a damaged list of frames: the first may still be whole, and decoding it will tell


def _tiff_pages(image: "Image.Image") -> int:
    """Pages of a TIFF; one that the list of pages points to but that is not there counts."""
    for index in itertools.count(1):
        try:
            image.seek(index)
        except EOFError:
            return index
        except _DAMAGE:
            return index + 1
    raise AssertionError("a list of pages has an end")


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
