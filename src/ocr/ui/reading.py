"""Pages read once for each pair of models, and shown as their thresholds say."""

from collections.abc import Mapping, Sequence
from functools import partial

import streamlit as st

from ocr.bundles.bundle import CARD_FILE, locate
from ocr.bundles.card import Task
from ocr.formats.page import Page
from ocr.formats.sources import PageImage
from ocr.ui import models
from ocr.ui.sources import Source


def choose_models(key: str) -> tuple[str, str]:
    """Let the user choose a detector and a recognizer; a checkpoint is exported before this returns."""
    chosen: list[str] = []
    tasks: dict[Task, str] = {"detection": "Detector", "recognition": "Recognizer"}
    for task, name in tasks.items():
        offered = models.choices(task)
        labels = {choice.model: choice.label for choice in offered}
        wanted = st.session_state.pop(f"open-{task}", None) if key == "read" else None
        if wanted in labels:
            st.session_state[f"{key}-{task}"] = wanted
        chosen.append(st.selectbox(name, list(labels), format_func=partial(_label, labels), key=f"{key}-{task}"))
    for model in chosen:
        if models.needs_export(model):
            with st.spinner(f"Exporting {model}: once, minutes at most"):
                models.opened(model)
    return chosen[0], chosen[1]


def _label(labels: Mapping[str, str], model: str) -> str:
    return labels.get(model, model)


def read_all(source: Source, detector: str, recognizer: str, *, doubtful: bool = False) -> list[Page]:
    """Every page of a source, with a progress bar while there is work to do."""
    bar = st.empty()
    done: list[Page] = []
    pair = models.opened(detector), models.opened(recognizer)
    for number, page in enumerate(source.pages):
        if number or len(source.pages) > 1:
            bar.progress(number / len(source.pages), f"Reading page {number + 1} of {len(source.pages)}")
        done.append(_read(source.key, number, pair, [_stamp(model) for model in pair], doubtful, page))
    bar.empty()
    return done


@st.cache_data(max_entries=64, show_spinner="Reading")
def _read(
    key: str, number: int, pair: tuple[str, str], stamps: Sequence[int], doubtful: bool, _image: PageImage
) -> Page:
    del key, number, stamps  # what the cache tells pages and models apart by
    return models.read(_image, *pair, doubtful=doubtful)


def _stamp(model: str) -> int:
    return (locate(model) / CARD_FILE).stat().st_mtime_ns


def kept(page: Page, confidence: float, score: float) -> Page:
    """The page with the lines that are at least so sure; what has been read is not read again."""
    lines = [line for line in page.lines if line.confidence >= confidence and line.detection_score >= score]
    return page.model_copy(update={"lines": lines})
