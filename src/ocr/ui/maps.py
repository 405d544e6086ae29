"""A detector's maps of a line and its surroundings: probability, threshold where there is one, and binary."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import streamlit as st
from numpy.typing import NDArray

from ocr.bundles.bundle import DETECTOR
from ocr.evaluation.errors import LineError
from ocr.evaluation.exported import cache_folder, export_once
from ocr.inference.shared import shared_engine
from ocr.records.checkpoint import read_card
from ocr.specs import preprocess
from ocr.ui.models import choices, needs_export, opened

# The head whose threshold branch `ocr export --threshold-map` keeps.
HEAD = "DBHead"


class Maps(NamedTuple):
    """Probability map and threshold map (H,W) in [0,1]; without the latter, why there is none."""

    probability: NDArray[np.float32]
    threshold: NDArray[np.float32] | None
    why_not: str


def show_maps(errors: Sequence[LineError], image: NDArray[np.uint8]) -> None:
    """Let the user choose one of these lines of an RGB image (H,W,3), and show a detector's maps of it."""
    st.subheader(
        "Maps of a crop",
        help="The detector's probability that each pixel is text, the threshold it learned, and the pixels above yours",
    )
    columns = [*st.columns(2), *st.columns(2)]  # names of checkpoints are long
    number = columns[0].selectbox(
        "Line",
        range(len(errors)),
        format_func=lambda n: f"{n + 1}: {errors[n].kind} {errors[n].truth or errors[n].read or ''}",
        key="crop-line",
    )
    labels = {choice.model: choice.label for choice in choices("detection")}
    detector = columns[1].selectbox(
        "Detector",
        list(labels),
        format_func=lambda model: labels.get(model, model),
        key="crop-detector",
        persist_state="session",
    )
    margin = columns[2].slider("Margin, line heights", 0.5, 4.0, 1.5, 0.5, key="margin", persist_state="session")
    crop = around(image, errors[number].polygon, margin)
    maps, usual = maps_of(detector or DETECTOR, crop)
    threshold = columns[3].slider("Threshold", 0.0, 1.0, usual, 0.01, key=f"threshold-{detector}")
    shown = {"crop": crop, "probability": _coloured(maps.probability)}
    if maps.threshold is not None:
        shown["threshold"] = _coloured(maps.threshold)
    shown["binary"] = np.where(maps.probability > threshold, 255, 0).astype(np.uint8)
    for column, (name, picture) in zip(st.columns(len(shown)), shown.items(), strict=True):
        column.image(picture, caption=name, width="stretch")
    if maps.threshold is None:
        st.caption(f"No threshold map: {maps.why_not}")


def maps_of(model: str, crop: NDArray[np.uint8]) -> tuple[Maps, float]:
    """Maps of an RGB image (H,W,3) that goes through the network whole, and the threshold of the model's card."""
    folder, why_not = _with_maps(model)
    detector = shared_engine().reader(folder).detector
    card = detector.bundle.card
    found = detector.model.run(preprocess.apply(card.preprocess, crop).array[None])[0]
    threshold = found[1] if len(found) > 1 else None
    return Maps(found[0], threshold, why_not), float(card.postprocess.binarize if card.postprocess else 0.3)


def _with_maps(model: str) -> tuple[str, str]:
    """The bundle to look with, and why it may have no threshold map; a checkpoint is exported with it if it can be."""
    if not needs_export(model):
        return model, (
            "a bundle holds what reading needs, the probability map alone. Choose the checkpoint of a network with a "
            f"{HEAD}, or a bundle that was exported with `--threshold-map`."
        )
    head = read_card(Path(model)).head
    if head != HEAD:
        return opened(model), f"the network of this checkpoint has no {HEAD}, so no threshold branch was trained."
    with st.spinner(f"Exporting {model} with its threshold map: once, minutes at most"):
        return str(export_once(Path(model), cache_folder(), threshold_map=True)), ""


def around(image: NDArray[np.uint8], polygon: list[tuple[float, float]], margin: float) -> NDArray[np.uint8]:
    """The part of an image (H,W,3) around a polygon, with a margin of so many of its heights."""
    corners = np.array(polygon)
    height = max(float(np.ptp(corners[:, 1])), 8.0) * margin
    (x0, y0), (x1, y1) = corners.min(0) - height, corners.max(0) + height
    high, wide = image.shape[:2]
    rows = slice(int(np.clip(y0, 0, high - 1)), int(np.clip(y1, 1, high)))
    columns = slice(int(np.clip(x0, 0, wide - 1)), int(np.clip(x1, 1, wide)))
    return np.ascontiguousarray(image[rows, columns])


def _coloured(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    levels = (np.clip(values, 0, 1) * 255).astype(np.uint8)
    coloured: NDArray[np.uint8] = cv2.cvtColor(cv2.applyColorMap(levels, cv2.COLORMAP_VIRIDIS), cv2.COLOR_BGR2RGB)
    return coloured
