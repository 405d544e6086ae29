"""The date of a receipt: of the dates printed on it the one that is most likely that of the sale."""

import re

from ocr.fields.receipt import DateField
from ocr.fields.values import PrintedDate, dates
from ocr.formats.page import Page
from ocr.formats.words import rows
from ocr.text.normalize import case_free

_NAMED = re.compile(r"\bDATE|TARIKH|TRKH|\bDT\b")
_TIME = re.compile(r"\d{1,2}[:.]\d\d(?:[:.]\d\d)?\s*(?:AM|PM)?\b|\d ?[AP]M\b")
_OTHER = re.compile(r"EXP|DUE|VALID|GST.*(?:WEF|EFF)|RETURN|UNTIL|BEFORE|DELIVER|\bDD\b|BIRTH|MEMBER SINCE|PROMO|FROM")


def sale_date(page: Page) -> DateField | None:
    """Return the likeliest date; a date named so, or beside a time, wins, then the first."""
    index = {id(line): number for number, line in enumerate(page.lines)}
    found: list[tuple[float, int, PrintedDate]] = []
    for row in rows(page.lines):
        text = case_free(" ".join(line.text for line in row))
        for line in row:
            number = index[id(line)]
            found += [(_score(text), number, one) for one in dates(line.text)]
    if not found:
        return None
    same = {one.day: sum(other.day == one.day for *_, other in found) for *_, one in found}
    score, number, best = max(found, key=lambda item: (item[0] + 0.5 * (same[item[2].day] > 1), -item[1]))
    alone = len(same) == 1
    chance = 0.97 if alone else 0.85 if score > 0 else 0.6
    return DateField(
        text=best.printed,
        iso=best.day.isoformat(),
        ambiguous=best.ambiguous,
        confidence=round(chance * page.lines[number].confidence, 4),
        lines=[number],
    )


def _score(row: str) -> float:
    return 2.0 * bool(_NAMED.search(row)) + 1.0 * bool(_TIME.search(row)) - 3.0 * bool(_OTHER.search(row))
