"""Judge extracted fields by the key information of SROIE: company, date, address, total."""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict

from ocr.bundles.card import MetricRecord
from ocr.errors import AnnotationError
from ocr.fields.receipt import Receipt
from ocr.fields.values import amounts, dates
from ocr.metrics.bootstrap import Floats, interval
from ocr.text.normalize import case_free

Key = dict[str, str]
FIELDS = {"company": "merchant", "date": "date", "address": "address", "total": "total"}
"""The name of each field in a key, and in a receipt."""

PROTOCOLS: dict[str, str] = {
    "fields": "exact match of letters and digits in any case; dates as days, totals as amounts",
    "fields_strict": "exact match of the whole text in capitals, spaces as one",
}


class FieldReport(BaseModel):
    """F1 over all fields and for each, by both protocols, and what was wrong."""

    model_config = ConfigDict(frozen=True)

    receipts: int
    metrics: list[MetricRecord]
    wrong: list[dict[str, str]]


def read_keys(folder: Path) -> dict[str, Key]:
    """Return the keys `ID.json` of a folder by ID; raises AnnotationError for what is none, or when there are none."""
    keys: dict[str, Key] = {}
    for path in sorted(folder.glob("*.json")):
        try:
            content = json.loads(path.read_text(encoding="utf-8-sig"))
        except (OSError, ValueError) as error:
            raise AnnotationError(path, f"is not JSON ({error})", "write company, date, address and total") from error
        if not isinstance(content, dict) or not all(isinstance(value, str) for value in content.values()):
            raise AnnotationError(path, "is not an object of texts", 'write {"company": "...", "total": "9.90"}')
        keys[path.stem] = {name: content.get(name, "") for name in FIELDS}
    if not keys:
        raise AnnotationError(folder, "holds no keys", "give a folder of ID.json with company, date, address, total")
    return keys


def agrees(field: str, predicted: str, true: str) -> bool:
    """Whether a field is right by the first protocol."""
    if field == "total":
        left, right = amounts(predicted), amounts(true)
        if left and right:
            return left[0].cents == right[0].cents
    if field == "date":
        days = [one[0].day for one in (dates(predicted), dates(true)) if one]
        if len(days) == 2:
            return days[0] == days[1]
    return bool(squeezed(true)) and squeezed(predicted) == squeezed(true)


def agrees_strictly(_field: str, predicted: str, true: str) -> bool:
    """Whether a field is right by the strict protocol; the keys are in capitals whatever the print is."""
    return " ".join(predicted.upper().split()) == " ".join(true.upper().split())


def squeezed(text: str) -> str:
    """Letters and digits alone, in capitals."""
    return re.sub(r"[\W_]", "", case_free(text))


def judge(receipts: Mapping[str, Receipt | None], keys: Mapping[str, Key], *, data: str) -> FieldReport:
    """Judge receipts by ID; None is a page that could not be read, and lacks every field."""
    metrics: list[MetricRecord] = []
    wrong: list[dict[str, str]] = []
    for protocol, rule in PROTOCOLS.items():
        agree = agrees if protocol == "fields" else agrees_strictly
        counts = np.array([_counts(receipts[name], keys[name], agree) for name in sorted(keys)])
        for index, field in enumerate(["all", *FIELDS]):
            chosen = counts.sum(axis=1) if field == "all" else counts[:, index - 1]
            ends = interval(chosen, _f1)
            metrics.append(
                MetricRecord(
                    name=f"{protocol}_f1_{field}",
                    value=float(_f1(chosen.sum(axis=0, keepdims=True).astype(np.float64))[0]),
                    low=ends.low,
                    high=ends.high,
                    n=int(chosen[:, 2].sum()),
                    data=data,
                    protocol=rule,
                )
            )
    for name in sorted(keys):
        for field in FIELDS:
            found, true = text(receipts[name], field), keys[name][field]
            if not agrees(field, found, true) and (found or true):
                wrong.append({"receipt": name, "field": field, "found": found, "true": true})
    return FieldReport(receipts=len(keys), metrics=metrics, wrong=wrong)


def text(receipt: Receipt | None, field: str) -> str:
    """The text of a key's field in a receipt, empty where there is none."""
    value = getattr(receipt, FIELDS[field], None)
    return value.text if value is not None else ""


def _counts(receipt: Receipt | None, key: Key, agree: Callable[[str, str, str], bool]) -> list[list[int]]:
    """For each field whether it is right, was given, and is true."""
    rows = []
    for field in FIELDS:
        found = text(receipt, field)
        rows.append(
            [int(bool(key[field]) and agree(field, found, key[field])), int(bool(found)), int(bool(key[field]))]
        )
    return rows


def _f1(counts: Floats) -> Floats:
    """F1 (R,) of right, given and true (R,3)."""
    right, given, true = counts.T
    return np.asarray(2 * right / np.maximum(given + true, 1))
