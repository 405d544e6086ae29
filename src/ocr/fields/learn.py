"""Learn which lines are merchant and address and which amount is the total, from receipts whose fields are known.

`python -m ocr.evaluation.learn_fields` reads the receipts, judges and writes the models. All of it is numpy.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

import numpy as np

from ocr.fields.amount_features import amount_features
from ocr.fields.classifier import BUCKETS, Classifier, Features, hashed
from ocr.fields.line_features import line_features
from ocr.fields.values import amounts
from ocr.formats.page import Page
from ocr.formats.words import upright
from ocr.text.normalize import case_free

LINE_CLASSES = ("other", "merchant", "address")
TOTAL_CLASSES = ("other", "total")
_RARE = 3
Key = dict[str, str]


class Example(NamedTuple):
    """A receipt's reading, its true fields, its merchant's group, and features and classes of lines and amounts."""

    page: Page
    key: Key
    group: str
    lines: list[Features]
    line_classes: list[int]
    amounts: list[Features]
    amount_classes: list[int]


def example(page: Page, key: Key, group: str) -> Example:
    """Describe a receipt for learning."""
    page = upright(page)
    return Example(page, key, group, line_features(page), line_labels(page, key), *total_labels(page, key))


def line_labels(page: Page, key: Key) -> list[int]:
    """Class of every line: where the true company and address are found, slips of the reader allowed."""
    texts = [squeezed(line.text) for line in page.lines]
    labels = [0] * len(texts)
    for index in _run(texts, squeezed(key.get("address", ""))):
        labels[index] = 2
    company = squeezed(key.get("company", ""))
    for index in _run(texts[: max(12, len(texts) // 3)], company):
        labels[index] = 1
    return labels


def total_labels(page: Page, key: Key) -> tuple[list[Features], list[int]]:
    """Features of every amount, and whether it is the true total."""
    found, features = amount_features(page)
    true = {one.cents for one in amounts(key.get("total", ""))}
    return features, [int(one.amount.cents in true) for one in found]


def squeezed(text: str) -> str:
    """Letters and digits alone, in capitals."""
    return re.sub(r"\W|_", "", case_free(text))


def _run(texts: Sequence[str], truth: str) -> list[int]:
    """Indices of the lines that a text is printed on: the stretch of lines that covers most of it."""
    shares = []
    for text in texts:
        matcher = SequenceMatcher(None, text, truth, autojunk=False)
        blocks = [block.size for block in matcher.get_matching_blocks() if block.size >= min(3, len(text))]
        covered = sum(blocks)
        part = len(text) >= 3 and covered >= 0.8 * len(text)
        whole = covered >= 0.85 * len(truth) and len(truth) > 3  # a line with more than the text
        shares.append(covered if part or whole else 0)
    best: list[int] = []
    for start in range(len(texts)):
        run, gap = [], 0
        for index in range(start, len(texts)):
            gap = 0 if shares[index] else gap + 1
            if gap > 1:
                break
            if shares[index]:
                run.append(index)
            if sum(shares[i] for i in run) > 1.15 * len(truth):
                run.pop()
                break
        if sum(shares[i] for i in run) > sum(shares[i] for i in best):
            best = run
    return best if sum(shares[i] for i in best) >= 0.4 * len(truth) else []


def fit(
    rows: Sequence[Features],
    labels: Sequence[int],
    importance: Sequence[float],
    classes: Sequence[str],
    *,
    decay: float = 1e-4,
    steps: int = 150,
) -> Classifier:
    """Least cross-entropy with weight decay, by full-batch Adam; features of fewer than three rows are not learnt."""
    sparse = [hashed(features) for features in rows]
    counts = np.bincount(np.concatenate([indices for indices, _ in sparse]), minlength=BUCKETS)
    used = np.flatnonzero(counts >= min(_RARE, len(rows)))
    column = np.full(BUCKETS, -1)
    column[used] = np.arange(len(used))
    inputs = np.zeros((len(rows), len(used)), np.float32)
    for number, (indices, values) in enumerate(sparse):
        kept = column[indices] >= 0
        np.add.at(inputs[number], column[indices[kept]], values[kept])
    target = np.eye(len(classes), dtype=np.float32)[np.array(labels)]
    share = (np.array(importance, np.float32) / np.sum(importance, dtype=np.float32))[:, None]
    weights = np.zeros((len(used), len(classes)), np.float32)
    mean, square = np.zeros_like(weights), np.zeros_like(weights)
    for step in range(1, steps + 1):
        logits = inputs @ weights
        exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
        gradient = inputs.T @ (share * (exponents / exponents.sum(axis=1, keepdims=True) - target)) + decay * weights
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.99 * square + 0.01 * gradient**2
        rate = 0.05 * (1 - step / (steps + 1))
        weights -= rate * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.99**step)) + 1e-8)
    table = np.zeros((BUCKETS, len(classes)))
    table[used] = weights
    return Classifier(classes, table)


def fit_lines(examples: Sequence[Example]) -> Classifier:
    """The classifier of lines."""
    return fit(
        [features for one in examples for features in one.lines],
        [label for one in examples for label in one.line_classes],
        _importance(examples, [len(one.lines) for one in examples]),
        LINE_CLASSES,
    )


def fit_totals(examples: Sequence[Example]) -> Classifier:
    """The classifier of amounts."""
    return fit(
        [features for one in examples for features in one.amounts],
        [label for one in examples for label in one.amount_classes],
        _importance(examples, [len(one.amounts) for one in examples]),
        TOTAL_CLASSES,
    )


def _importance(examples: Sequence[Example], rows: Sequence[int]) -> list[float]:
    """Weight of each row: a merchant with many receipts counts by the root of their number."""
    sizes = Counter(one.group for one in examples)
    return [sizes[one.group] ** -0.5 for one, count in zip(examples, rows, strict=True) for _ in range(count)]


def words(examples: Sequence[Example], merchants: int = 3) -> list[str]:
    """Words of five letters or more that the names and addresses of at least so many merchants have."""
    seen: dict[str, set[str]] = defaultdict(set)
    for one in examples:
        for word in re.findall(r"[A-Z]{5,}", case_free(f"{one.key.get('company', '')} {one.key.get('address', '')}")):
            seen[word].add(one.group)
    return sorted(word for word, groups in seen.items() if len(groups) >= merchants)
