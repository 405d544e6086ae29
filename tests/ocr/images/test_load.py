"""Every kind of file in: right pixels, or one clear error before anything large is allocated."""

import contextlib
import io
import struct
import tracemalloc
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, TiffImagePlugin

from ocr.errors import ImageError
from ocr.images.jpeg import exif_orientation, read_jpeg_header
from ocr.images.load import MAX_PIXELS, count_pages, is_pdf, load_image, load_pages, read_header

# Four coloured quarters: any turn or mirror shows.
QUARTERS = np.zeros((40, 64, 3), np.uint8)
QUARTERS[:20, :32], QUARTERS[:20, 32:], QUARTERS[20:, :32], QUARTERS[20:, 32:] = (
    (250, 10, 10),
    (10, 250, 10),
    (10, 10, 250),
    (240, 240, 240),
)
FORMATS = ["JPEG", "PNG", "TIFF", "WEBP", "BMP", "GIF"]


def encoded(image: Image.Image, format: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format, **options)
    return stream.getvalue()


def close(a: np.ndarray, b: np.ndarray, least: float = 8.0) -> bool:
    return a.shape == b.shape and float(np.abs(a.astype(int) - b).mean()) < least


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_gives_rgb(format: str) -> None:
    data = encoded(Image.fromarray(QUARTERS), format)
    image = load_image(data)
    assert image.dtype == np.uint8
    assert image.flags.c_contiguous
    assert image.flags.writeable
    assert close(image, QUARTERS)
    header = read_header(data)
    assert (header.format, header.width, header.height, header.frames) == (format, 64, 40, 1)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(format: str, orientation: int) -> None:
    undo = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}[orientation]
    turns = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}
    stored = Image.fromarray(QUARTERS)
    if undo > 1:
        stored = stored.transpose(Image.Transpose(turns[undo]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"tiffinfo": {0x0112: orientation}} if format == "TIFF" else {"exif": exif}
    data = encoded(stored, format, **options)
    assert close(load_image(data), QUARTERS)
    header = read_header(data)
    assert (header.width, header.height, header.orientation) == (64, 40, orientation)


def test_fast_and_general_jpeg_agree(ocr_data: Path) -> None:
    path = next((ocr_data / "sroie" / "val" / "img").glob("*.jpg"))
    with Image.open(path) as general:
        assert np.array_equal(load_image(path), np.asarray(general.convert("RGB")))


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "CMYK", "YCbCr", "LAB", "I;16", "I", "F"])
def test_every_mode_becomes_rgb(mode: str) -> None:
    grey = Image.fromarray(np.tile(np.linspace(0, 255, 64).astype(np.uint8), (40, 1)))
    match mode:
        case "I;16":
            image = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
        case "I":
            image = Image.fromarray(np.asarray(grey).astype(np.int32) * 70000)
        case "F":
            image = Image.fromarray(np.asarray(grey).astype(np.float32) / 255)
        case "LAB" | "YCbCr":
            image = grey.convert("RGB").convert(mode) if mode != "LAB" else Image.merge("LAB", [grey] * 3)
        case _:
            image = grey.convert(mode)
    result = load_image(encoded(image, "TIFF" if mode != "P" else "PNG"))
    assert result.shape == (40, 64, 3)
    if mode not in ("1", "LAB", "P"):
        assert close(result, np.repeat(np.asarray(grey)[:, :, None], 3, axis=2), 6)


def test_float_values_that_are_no_numbers_are_black() -> None:
    values = np.full((8, 8), 200.0, np.float32)
    values[0, 0], values[1, 1] = np.nan, np.inf
    result = load_image(encoded(Image.fromarray(values), "TIFF"))
    assert result[0, 0].tolist() == result[1, 1].tolist() == [0, 0, 0]
    assert result[5, 5].tolist() == [200, 200, 200]


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparency_is_white(mode: str) -> None:
    image = Image.new("RGBA", (16, 16), (0, 0, 0, 0))
    image.paste((0, 0, 0, 255), (4, 4, 8, 8))
    result = load_image(encoded(image.convert(mode), "PNG"))
    assert result[0, 0].tolist() == [255, 255, 255]
    assert result[5, 5].tolist() == [0, 0, 0]


@pytest.mark.parametrize("name", ["baiona_alpha.png", "baiona_cmyk.jpg", "baiona_colormapped.png", "baiona_gray.png"])
def test_real_modes_show_the_same_picture(name: str, ocr_data: Path) -> None:
    image = load_image(ocr_data / "docs" / "ocrmypdf" / name)
    assert image.shape == (682, 640, 3)
    assert 230 < image.mean() < 245


def test_real_transparent_and_rotated(ocr_data: Path) -> None:
    modes = ocr_data / "image_modes"
    assert load_image(modes / "black_font_color_transparent.png").mean() > 200
    upright = load_image(modes / "img_exif_orientation.jpg")
    stored = cv2.imread(str(modes / "img_exif_orientation.jpg"), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    assert np.array_equal(upright, stored[::-1, ::-1, ::-1])


def test_animation_gives_its_first_frame_and_header_counts() -> None:
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "lime", "blue")]
    for format in ("GIF", "WEBP", "PNG"):
        data = encoded(frames[0], format, save_all=True, append_images=frames[1:], lossless=True)
        assert load_image(data)[0, 0].tolist() == [255, 0, 0], format
        assert read_header(data).frames == 3, format


def test_pages_of_a_tiff() -> None:
    pages = [Image.new("RGB", (20 + 10 * index, 30), colour) for index, colour in enumerate(("red", "lime", "blue"))]
    data = encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    loaded = list(load_pages(data))
    assert [page.shape for page in loaded] == [(30, 20, 3), (30, 30, 3), (30, 40, 3)]
    assert [page[0, 0].tolist() for page in loaded] == [[255, 0, 0], [0, 255, 0], [0, 0, 255]]
    assert len(list(load_pages(encoded(pages[0], "PNG")))) == 1


def test_pages_before_a_damaged_one_are_kept() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (60, 60, 3), np.uint8)
    pages = [Image.fromarray(noise), Image.fromarray(noise[::-1].copy())]
    data = encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    first, second = load_pages(data[: len(data) - 6000], name="scan.tif")
    assert isinstance(first, np.ndarray)
    assert "scan.tif page 2: is damaged" in str(second)


def tiff_entry(data: bytes, tag: int, page: int) -> int:
    """Where in a little-endian TIFF a page's entry of a tag stands."""
    (place,) = struct.unpack_from("<I", data, 4)
    for _ in range(page - 1):
        (count,) = struct.unpack_from("<H", data, place)
        (place,) = struct.unpack_from("<I", data, place + 2 + 12 * count)
    (count,) = struct.unpack_from("<H", data, place)
    entries = range(place + 2, place + 2 + 12 * count, 12)
    return next(entry for entry in entries if struct.unpack_from("<H", data, entry) == (tag,))


@pytest.mark.parametrize("bad", [1, 2, 3])
@pytest.mark.parametrize(
    ("tag", "value", "reason"),
    [
        (256, 9_000_000, "the limit is 89 million"),  # width
        (256, 2, "too small to hold text"),
        (273, 0xFFFFFF0, "is damaged"),  # place of the pixels
        (262, 77, "is damaged"),  # what the numbers stand for: no page is ever set up
    ],
)
def test_a_bad_page_of_a_tiff_is_told_and_the_others_are_read(bad: int, tag: int, value: int, reason: str) -> None:
    pages = [Image.new("RGB", (20 + 10 * index, 30), "red") for index in range(4)]
    data = bytearray(encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:], compression="tiff_lzw"))
    entry = tiff_entry(data, tag, bad)
    struct.pack_into("<HHII", data, entry, tag, 4, 1, value)
    if (tag, bad) == (262, 1):
        with pytest.raises(ImageError, match="is damaged"):  # without its first page a file is no TIFF to Pillow
            list(load_pages(bytes(data)))
        return
    loaded = list(load_pages(bytes(data), name="scan.tif"))
    assert [isinstance(page, ImageError) for page in loaded] == [number == bad for number in range(1, 5)]
    assert f"scan.tif page {bad}: " in str(loaded[bad - 1])
    assert reason in str(loaded[bad - 1])
    assert count_pages(bytes(data), name="scan.tif") == 4


@pytest.mark.parametrize("before", [b"\xef\xbb\xbf", b"\r\n\n", b"From the scanner: \n"])
def test_a_pdf_may_have_something_before_its_header(before: bytes) -> None:
    assert is_pdf(before + b"%PDF-1.7 ...")
    assert not is_pdf(encoded(Image.new("RGB", (9, 9)), "PNG") + b"%PDF-1.7")
    assert not is_pdf(bytes(2000) + b"%PDF-1.7")


def test_whole_jpegs_with_odd_ends_load() -> None:
    data = encoded(Image.fromarray(QUARTERS), "JPEG")
    assert close(load_image(data + b"trailing bytes"), QUARTERS)
    thumbnail = b"\xff\xe1" + struct.pack(">H", 12) + b"Exif\0\0\xff\xd9xx"
    filled = data[:2] + b"\xff" + thumbnail + data[2:]
    assert close(load_image(filled), QUARTERS)


# --- bad input: one error that names the file, the reason and the remedy -------------------------------------------


def truncated(format: str) -> bytes:
    noise = np.random.default_rng(0).integers(0, 255, (120, 120, 3), np.uint8)
    data = encoded(Image.fromarray(noise), format)
    return data[: len(data) // 2]


def png_that_claims(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


def jpeg_that_claims(width: int, height: int) -> bytes:
    data = encoded(Image.fromarray(QUARTERS), "JPEG")
    start = data.index(b"\xff\xc0") + 5
    return data[:start] + struct.pack(">HH", height, width) + data[start + 4 :]


BAD = {
    "empty": (b"", "is empty; copy or download it again"),
    "text": (b"hello, this is not an image", "is not a JPEG, PNG, WebP, TIFF, BMP or GIF image"),
    "pdf": (b"%PDF-1.7 ...", "is a PDF, not an image; render its pages"),
    "one pixel": (encoded(Image.new("RGB", (1, 1)), "PNG"), "is 1 x 1 pixels, too small"),
    "two rows": (encoded(Image.new("RGB", (90, 2)), "JPEG"), "is 90 x 2 pixels, too small"),
    "huge png": (png_that_claims(12000, 9000), "is 12000 x 9000 pixels (108 million); the limit is 89 million"),
    "bomb png": (png_that_claims(60000, 60000), "claims an enormous size"),
    "huge jpeg": (jpeg_that_claims(60000, 60000), "the limit is 89 million; scale it down"),
    "jpeg header only": (encoded(Image.fromarray(QUARTERS), "JPEG")[:30], "damaged"),
    **{f"truncated {format}": (truncated(format), "damaged") for format in FORMATS if format != "GIF"},
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_files_give_one_error_and_take_no_memory(kind: str, tmp_path: Path) -> None:
    data, expected = BAD[kind]
    path = tmp_path / "page.img"
    path.write_bytes(data)
    tracemalloc.start()
    try:
        with pytest.raises(ImageError) as caught:
            load_image(path)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert expected in message
    assert "\n" not in message
    assert caught.value.remedy


def test_files_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="no such file; check the path"):
        load_image(tmp_path / "none.png")
    with pytest.raises(ImageError, match="is a folder; name the image files"):
        load_image(tmp_path)
    with pytest.raises(ImageError, match="cannot be read"):
        load_image(tmp_path / ("x" * 300))


def test_cap_can_be_lowered_and_names_are_the_callers(ocr_data: Path) -> None:
    with pytest.raises(ImageError, match=r"^upload 7: is 64 x 40 pixels"):
        load_image(encoded(Image.fromarray(QUARTERS), "PNG"), name="upload 7", max_pixels=1000)
    with pytest.raises(ImageError, match="limit"):
        read_header(encoded(Image.fromarray(QUARTERS), "JPEG"), max_pixels=1000)
    assert MAX_PIXELS > 9000 * 9000
    with pytest.raises(ImageError, match=r"broken\.jpg: is damaged or truncated"):
        load_image(ocr_data / "image_modes" / "broken.jpg")


def test_damaged_metadata_does_not_lose_the_pixels() -> None:
    exif = b"Exif\0\0MM\0*\0\0\xff\xff" + bytes(20)
    for format in ("JPEG", "PNG", "WEBP"):
        assert close(load_image(encoded(Image.fromarray(QUARTERS), format, exif=exif)), QUARTERS), format


@given(st.binary(max_size=200))
def test_random_exif_never_fails(block: bytes) -> None:
    for order in (b"", b"II*\0", b"MM\0*"):
        assert 1 <= exif_orientation(order + block) <= 8


@given(st.binary(max_size=300))
def test_random_jpeg_headers_never_fail(block: bytes) -> None:
    header = read_jpeg_header(b"\xff\xd8\xff" + block)
    assert header is None or (header.width > 0 and header.height > 0)


@given(st.integers(0, 3000), st.binary(min_size=1, max_size=8), st.sampled_from(FORMATS))
def test_damaged_files_load_or_say_so(position: int, patch: bytes, format: str) -> None:
    data = bytearray(encoded(Image.fromarray(QUARTERS), format))
    data[position % len(data) : position % len(data) + len(patch)] = patch
    with contextlib.suppress(ImageError):  # any other exception fails the test
        assert load_image(bytes(data)).ndim == 3


def test_large_tiff_pages_are_refused_by_size() -> None:
    directory = TiffImagePlugin.ImageFileDirectory_v2()
    directory[256], directory[257] = 13000, 13000
    image = Image.new("1", (16, 16))
    data = encoded(image, "TIFF")
    width = data.index(struct.pack("<HHI", 256, 4, 1)) if struct.pack("<HHI", 256, 4, 1) in data else -1
    assert width > 0
    claimed = bytearray(data)
    claimed[width + 8 : width + 12] = struct.pack("<I", 13000)
    height = data.index(struct.pack("<HHI", 257, 4, 1))
    claimed[height + 8 : height + 12] = struct.pack("<I", 13000)
    (page,) = load_pages(bytes(claimed), name="scan.tif")
    assert "limit" in str(page)
