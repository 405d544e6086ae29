"""Amounts and dates in a line of text, with the slips of a reader undone (O for 0, ~ for -)."""

import re
from datetime import date
from typing import NamedTuple

_DIGIT = "[0-9OoQ]"
_AMOUNT = re.compile(
    rf"(?<![\w.,/-])(?P<bracket>\(\s?)?(?P<sign>-\s?)?(?P<currency>RM|MYR|USD|US\$|S\$|\$|€|£|R\.M\.?)?\s?(?P<inner>-)?"
    rf"(?P<whole>{_DIGIT}{{1,3}}(?:,{_DIGIT}{{3}})+|{_DIGIT}{{1,3}}(?: {_DIGIT}{{3}})+(?(currency)|(?=,))"
    rf"|{_DIGIT}{{1,3}}(?P<group>[.'’]){_DIGIT}{{3}}(?:(?P=group){_DIGIT}{{3}})*(?=[.,])|{_DIGIT}{{1,7}})?"
    rf"\s?(?P<point>[.,])\s?(?P<cents>{_DIGIT}{{2}})(?![0-9%]|\.\d)"
    rf"(?P<after>(?(bracket)\s?\)|-(?=\s|$)))?",
    re.IGNORECASE,
)
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan january januari",
            "feb february februari",
            "mar march mac",
            "apr april",
            "may mei",
            "jun june",
            "jul july julai",
            "aug august ogos",
            "sep sept september",
            "oct october oktober okt",
            "nov november",
            "dec december disember dis",
        ),
        start=1,
    )
    for name in names.split()
}
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_SEPARATOR = r"\s?([-/.~])\s?"
_ORDINAL = "(?:st|nd|rd|th)?"
_DATES = (
    re.compile(r"(?<!\d)(?P<y>(?:19|20)?\d\d)\s?년\s?(?P<named>(?P<m>\d\d?)\s?월)\s?(?P<d>\d\d?)\s?일"),
    re.compile(
        rf"(?<!\d)(?P<y>(?:19|20)\d\d)[\s./-]*(?P<named>(?P<m>{_MONTH}))[a-z]*[\s./-]*(?P<d>\d\d?)(?!\d)", re.IGNORECASE
    ),
    re.compile(rf"(?<!\d)(?P<y>(?:19|20)\d\d){_SEPARATOR}(?P<m>\d\d?){_SEPARATOR}(?P<d>\d\d?)(?!\d)"),
    re.compile(rf"(?<![\d.])(?P<d>\d\d?){_SEPARATOR}(?P<m>\d\d?){_SEPARATOR}(?P<y>(?:19|20)\d\d|\d\d(?![\d/]))"),
    re.compile(
        rf"(?<!\d)(?P<d>\d\d?){_ORDINAL}[\s./-]*(?P<named>(?P<m>{_MONTH}))[a-z]*[\s.,/'-]*"
        r"(?P<y>(?:19|20)\d\d|\d\d(?!\d))",
        re.IGNORECASE,
    ),
    re.compile(
        rf"\b(?P<named>(?P<m>{_MONTH}))[a-z]*[\s./-]*(?P<d>\d\d?){_ORDINAL}[\s.,/-]+(?P<y>(?:19|20)\d\d)", re.IGNORECASE
    ),
)
_FIRST_YEAR, _LAST_YEAR = 1990, 2079


class Amount(NamedTuple):
    """Money in hundredths, and how it is printed, without its currency."""

    cents: int
    printed: str
    start: int
    end: int
    currency: str


class PrintedDate(NamedTuple):
    """A date, and how it is printed."""

    day: date
    printed: str
    start: int
    ambiguous: bool


def amounts(text: str) -> list[Amount]:
    """Amounts with two decimals, from the left.

    Thousands may be set apart by a comma, a point or an apostrophe, cents by a point or a comma: `1,234.50`,
    `1.234,50`, `1'234.50`; and `1.234.50`, which is how a faint comma is read. A space does so after a currency or
    before a comma, `RM 1 234.50` and `1 234,50`: else what stands before it is a quantity, `2 500.00`. Less than zero
    are `-2.00`, `2.00-` and `(2.00)`.
    """
    found = []
    for match in _AMOUNT.finditer(text):
        whole = _digits(match["whole"] or "0")
        value = int(whole) * 100 + int(_digits(match["cents"]))
        negative = bool(match["sign"] or match["inner"] or match["after"])
        printed = f"{'-' if negative else ''}{int(whole)}.{_digits(match['cents'])}"
        currency = (match["currency"] or "").upper().replace(".", "")
        found.append(Amount(-value if negative else value, printed, match.start(), match.end(), currency))
    return found


def dates(text: str) -> list[PrintedDate]:
    """Dates that the calendar has, day before month where both are possible, from the left."""
    found: list[PrintedDate] = []
    for pattern in _DATES:
        for match in pattern.finditer(text):
            parts = match.groupdict()
            month = _MONTHS[parts["m"].lower()] if parts["m"].isalpha() else int(parts["m"])
            day = int(parts["d"])
            swapped = month > 12 >= day  # printed month first
            value = _date(int(parts["y"]), *((day, month) if swapped else (month, day)))
            if value is None or any(abs(match.start() - other.start) < 4 for other in found):
                continue
            ambiguous = "named" not in parts and not swapped and day <= 12 and day != month
            found.append(PrintedDate(value, _tidy(match[0]), match.start(), ambiguous))
    return sorted(found, key=lambda one: one.start)


def _date(year: int, month: int, day: int) -> date | None:
    try:
        value = date(year + 2000 if year < 100 else year, month, day)
    except ValueError:
        return None
    return value if _FIRST_YEAR <= value.year <= _LAST_YEAR else None


def _tidy(printed: str) -> str:
    """The date without spaces around its separators, and with a hyphen where the reader saw a tilde."""
    return re.sub(r"\s*([-/~.])\s*", lambda match: "-" if match[1] == "~" else match[1], " ".join(printed.split()))


def _digits(text: str) -> str:
    return re.sub(r"[, .'’]", "", text).translate(str.maketrans("OoQ", "000"))
