"""From counts per page to named figures with their bootstrap intervals."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ocr.bundles.card import MetricRecord
from ocr.metrics.bootstrap import interval

Floats = npt.NDArray[np.float64]
# What one page, or one crop, contributes: counts of ``ocr.metrics`` by the key of MEASURES they belong to.
PageCounts = Mapping[str, Any]


class Measure(NamedTuple):
    """A figure's name and how summed counts (R,K) become it; ``n`` is the count that says over how many items."""

    name: str
    n: str
    statistic: Callable[[Mapping[str, Floats]], Floats]


class Protocol(NamedTuple):
    """Figures taken from the same counts by the same rule."""

    rule: str
    measures: tuple[Measure, ...]


def _divided(above: Floats, below: Floats) -> Floats:
    """Quotients, 0 where the denominator is."""
    result: Floats = np.divide(above, below, out=np.zeros_like(below), where=below > 0)
    return result


def _ratio(numerator: str, *denominator: str, scale: float = 1.0) -> Callable[[Mapping[str, Floats]], Floats]:
    """Statistic ``scale * numerator / sum of denominators``, 0 where the denominator is."""

    def statistic(sums: Mapping[str, Floats]) -> Floats:
        below: Floats = np.sum([sums[name] for name in denominator], axis=0)
        return _divided(scale * sums[numerator], below)

    return statistic


def _granular(total: str, penalty: str) -> Callable[[Mapping[str, Floats]], Floats]:
    """CLEval's share of characters, less the penalty for split or joined boxes."""

    def statistic(sums: Mapping[str, Floats]) -> Floats:
        above = np.maximum(sums["found"] - sums[penalty], 0)
        return _divided(above, sums[total])

    return statistic


_cleval_recall = _granular("truth", "penalty_recall")
_cleval_precision = _granular("predicted", "penalty_precision")


def _cleval_hmean(sums: Mapping[str, Floats]) -> Floats:
    recall, precision = _cleval_recall(sums), _cleval_precision(sums)
    total = recall + precision
    return _divided(2 * recall * precision, total)


def _cleval(prefix: str) -> tuple[Measure, ...]:
    return (
        Measure(f"{prefix}_precision", "predicted", _cleval_precision),
        Measure(f"{prefix}_recall", "truth", _cleval_recall),
        Measure(f"{prefix}_hmean", "truth", _cleval_hmean),
    )


def _found(prefix: str, last: str) -> tuple[Measure, ...]:
    return (
        Measure(f"{prefix}precision", "predicted", _ratio("matched", "predicted")),
        Measure(f"{prefix}recall", "truth", _ratio("matched", "truth")),
        Measure(f"{prefix}{last}", "truth", _ratio("matched", "predicted", "truth", scale=2.0)),
    )


def _texts(suffix: str) -> tuple[Measure, ...]:
    return (
        Measure(f"accuracy{suffix}", "texts", _ratio("exact", "texts")),
        Measure(f"one_minus_ned{suffix}", "texts", _ratio("similarity", "texts")),
        Measure(f"cer{suffix}", "characters", _ratio("errors", "characters")),
    )


MEASURES: dict[str, Protocol] = {
    "detection": Protocol("ICDAR: one to one, IoU > 0.5, ignored regions out, micro-averaged", _found("", "hmean")),
    "cleval_detection": Protocol("CLEval (arXiv 2006.06244), detection", _cleval("cleval_detection")),
    "cleval": Protocol("CLEval (arXiv 2006.06244), end to end, any case", _cleval("cleval")),
    "words": Protocol("words of the page as multisets, any case, micro-averaged", _found("word_", "f1")),
    "words_cased": Protocol("words of the page as multisets, case-sensitive", _found("word_cased_", "f1")),
    "page_text": Protocol(
        "page in reading order, case and spaces ignored", (Measure("page_cer", "characters", _texts("")[2].statistic),)
    ),
    "text": Protocol("crops of the true regions, case-sensitive, NFC", _texts("")),
    "text_any_case": Protocol("crops of the true regions, any case, NFC", _texts("_any_case")),
    "text_any_case_no_spaces": Protocol(
        "crops of the true regions, any case, spaces ignored, NFC", _texts("_any_case_no_spaces")
    ),
}


def summarise(pages: Sequence[PageCounts], data: str, *, resamples: int = 2000, seed: int = 0) -> list[MetricRecord]:
    """Figures of all pages with 95% intervals from resampled pages.

    Args:
        pages: counts per page, every page with the same keys of MEASURES; what is resampled.
        data: name of the data set, for the records.
        resamples: how many times the pages are drawn.
        seed: of the draw.
    """
    if not pages:
        return []
    records = []
    for key in pages[0]:
        rows, names = _rows(page[key] for page in pages)
        for measure in MEASURES[key].measures:

            def statistic(sums: Floats, measure: Measure = measure, names: Sequence[str] = names) -> Floats:
                return measure.statistic(dict(zip(names, sums.T, strict=True)))

            total = rows.sum(axis=0, keepdims=True)
            ends = interval(rows, statistic, resamples=resamples, seed=seed)
            records.append(
                MetricRecord(
                    name=measure.name,
                    value=float(statistic(total)[0]),
                    low=ends.low,
                    high=ends.high,
                    n=int(total[0, names.index(measure.n)]),
                    data=data,
                    protocol=MEASURES[key].rule,
                )
            )
    return records


def _rows(counts: Iterable[Any]) -> tuple[Floats, list[str]]:
    """Counts as an array (N,K) and the names of its columns."""
    dicts = [dataclasses.asdict(one) for one in counts]
    return np.array([list(one.values()) for one in dicts], dtype=np.float64), list(dicts[0])
