"""Which labels a recognizer can be trained on, and a count of those it cannot."""

import logging
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from findings.counted import counted
from ocr.text.charset import Charset
from ocr.text.normalize import nfc

log = logging.getLogger(__name__)


@dataclass
class LabelReport:
    """What became of a source's labels; ``unknown`` counts each character that cost a label or was replaced."""

    source: str
    kept: int = 0
    empty: int = 0
    too_long: int = 0
    outside_charset: int = 0
    replaced: int = 0
    unknown: Counter[str] = field(default_factory=Counter)

    @property
    def dropped(self) -> int:
        """Labels that are not used."""
        return self.empty + self.too_long + self.outside_charset

    def __str__(self) -> str:
        parts = [f"{self.source}: {counted(self.kept, 'crop')}"]
        if self.dropped:
            parts.append(
                f"{self.dropped} dropped ({self.outside_charset} with characters outside the charset, "
                f"{self.too_long} too long, {self.empty} empty)"
            )
        if self.replaced:
            parts.append(f"{self.replaced} with characters replaced")
        if self.unknown:
            named = (f"{c!r} {unicodedata.name(c, 'unnamed')} x{n}" for c, n in self.unknown.most_common(8))
            parts.append("characters outside the charset: " + ", ".join(named))
        return "; ".join(parts)


def normalise(text: str) -> str:
    """Return a label as print shows it: NFC, runs of white space as one space, none at the ends."""
    return " ".join(nfc(text).split())


def usable(
    source: str,
    texts: Iterable[str],
    charset: Charset,
    *,
    max_length: int | None,
    replace: Mapping[str, str],
) -> tuple[dict[int, str], LabelReport]:
    """Return the usable labels by position, normalised, and the report, which is logged as well.

    A character outside ``charset`` is exchanged by ``replace`` where that names it; otherwise its label is dropped: a
    label that leaves out what the image shows would teach the recognizer to leave it out.
    """
    report, labels = LabelReport(source), {}
    for position, original in enumerate(texts):
        text = normalise(original)
        missing = charset.missing(text)
        if missing:
            report.unknown.update(c for c in text if c in missing)
            text = normalise("".join(replace.get(c, c) if c in missing else c for c in text))
        if not text:
            report.empty += 1
        elif charset.missing(text):
            report.outside_charset += 1
        elif max_length is not None and len(text) > max_length:
            report.too_long += 1
        else:
            report.kept += 1
            report.replaced += bool(missing)
            labels[position] = text
    log.log(logging.WARNING if report.dropped or report.replaced else logging.INFO, "%s", report)
    return labels, report
