"""Pages read once for each pair of models, and shown as their thresholds say."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import streamlit as st

from ocr.bundles.bundle import CARD_FILE, locate
from ocr.bundles.card import Task
from ocr.formats.page import Page
from ocr.formats.sources import PageImage
from ocr.ui import models
from ocr.ui.navigation import wanted
from ocr.ui.sources import Source
from ocr.ui.thresholds import Thresholds, own_thresholds

# Of the switch that keeps them.
LEFT_OUT = "Lines that `ocr read` drops as unsure"


def choose_models(key: str) -> tuple[str, str]:
    """Let the user choose a detector and a recognizer; a checkpoint is exported before this returns."""
    chosen: list[str] = []
    tasks: dict[Task, str] = {"detection": "Detector", "recognition": "Recognizer"}
    for task, name in tasks.items():
        offered = models.choices(task)
        labels = {choice.model: choice.label for choice in offered}
        model = wanted(key, task)
        if model in labels:
            st.session_state[f"{key}-{task}"] = model
        label = partial(_label, labels)
        chosen.append(st.selectbox(name, list(labels), format_func=label, key=f"{key}-{task}", persist_state="session"))
    for model in chosen:
        if models.needs_export(model):
            with st.spinner(f"Exporting {model}: once, minutes at most"):
                models.opened(model)
    return chosen[0], chosen[1]


def _label(labels: Mapping[str, str], model: str) -> str:
    return labels.get(model, model)


def choose_page(source: Source, key: str) -> int:
    """Let the user choose the page to look at, where there are several; its number, from 0."""
    if len(source.pages) == 1:
        return 0
    return int(st.selectbox("Page", range(len(source.pages)), format_func=source.name_of, key=f"{key}-page"))


def asked_for_all(key: str, label: str, about: str, wanted: tuple[object, ...]) -> bool:
    """Whether all pages were asked for with these settings; a button to ask for them when not."""
    if st.session_state.get(f"{key}-all") == wanted:
        return True
    ask = partial(st.session_state.__setitem__, f"{key}-all", wanted)
    st.button(label, icon=":material/library_books:", on_click=ask, key=f"{key}-ask-for-all", help=about)
    return False


def read_all(
    source: Source,
    detector: str,
    recognizer: str,
    *,
    doubtful: bool = False,
    thresholds: Thresholds | None = None,
    said: str = "Reading",
) -> list[Page]:
    """Every page of a source, with a progress bar that says so while there is work to do."""
    bar = st.empty()
    done: list[Page] = []
    pair = models.opened(detector), models.opened(recognizer)
    for number in range(len(source.pages)):
        if len(source.pages) > 1:
            bar.progress(number / len(source.pages), f"{said} page {number + 1} of {len(source.pages)}")
        done.append(read_one(source, number, *pair, doubtful=doubtful, thresholds=thresholds))
    bar.empty()
    return done


def read_one(
    source: Source,
    number: int,
    detector: str,
    recognizer: str,
    *,
    doubtful: bool = False,
    thresholds: Thresholds | None = None,
) -> Page:
    """Page ``number`` (from 0) of a source; what has been read with these models and settings is not read again."""
    pair = models.opened(detector), models.opened(recognizer)
    stamps = [_stamp(model) for model in pair]
    return _read(source.key, number, pair, stamps, doubtful, thresholds, source.pages[number])


# Entries are lines, not pixels: as many as the steps that a hand on a slider takes over some pages.
@st.cache_data(max_entries=500, show_spinner="Reading")
def _read(
    key: str,
    number: int,
    pair: tuple[str, str],
    stamps: Sequence[int],
    doubtful: bool,
    thresholds: Thresholds | None,
    _image: PageImage,
) -> Page:
    del key, number, stamps  # what the cache tells pages and models apart by
    return models.read(_image, *pair, doubtful=doubtful, thresholds=thresholds)


def choose_thresholds(detector: str) -> Thresholds:
    """Let the user move a detector's thresholds; those of its card until then, exactly."""
    own = own_thresholds(models.opened(detector))
    keys = [f"{name}-{detector}" for name in own._fields]

    def reset() -> None:
        for key, value in zip(keys, own, strict=True):
            st.session_state[key] = value

    names = {
        "Binarisation": "A pixel is text above this probability",
        "Box threshold": "Least mean probability of a box",
    }
    for key, value, (name, about) in zip(keys, own, names.items(), strict=True):
        st.session_state.setdefault(key, value)
        st.slider(name, 0.0, 1.0, step=0.01, key=key, help=about, persist_state="session")
    chosen = Thresholds(*(st.session_state[key] for key in keys))
    # A slider's steps may miss the card's figure by less than one.
    near = all(abs(one - other) < 0.005 for one, other in zip(chosen, own, strict=True))
    st.button(
        "The bundle's own thresholds",
        on_click=reset,
        disabled=near,
        key="own-thresholds",
        help="Others last as long as this session; `ocr tune detector` writes a bundle with better ones",
    )
    return own if near else chosen


def _stamp(model: str) -> int:
    return (locate(model) / CARD_FILE).stat().st_mtime_ns


def kept(page: Page, confidence: float, score: float) -> Page:
    """The page with the lines that are at least so sure; what has been read is not read again."""
    lines = [line for line in page.lines if line.confidence >= confidence and line.detection_score >= score]
    return replace(page, lines=lines)
