"""What rules alone find of merchant, address and total, for the fields' models to be measured against.

    python benchmarks/fields.py sroie/train sroie/train_more --readings outputs/readings

Nothing is learnt here, so all receipts count; the models' own figure, on merchants that were held out, is printed by
`python -m ocr.evaluation.learn_fields` on the same readings.
"""

import argparse
import re
from pathlib import Path

from ocr.evaluation.fields import judge
from ocr.evaluation.learn_fields import read_receipts
from ocr.fields.amount_features import candidates
from ocr.fields.dating import sale_date
from ocr.fields.receipt import AmountField, Receipt, TextField
from ocr.formats.page import Page

FORM = re.compile(r"\b(SDN|BHD|S/B|ENTERPRISE|TRADING|RESTORAN|RESTAURANT|KEDAI|MART|STATIONERY|HARDWARE|SHOP|CAFE)\b")
ADDRESS = re.compile(r"\b(NO|LOT|JALAN|JLN|TAMAN|LORONG|BANDAR|FLOOR|SEKSYEN|ROAD)\b|\b\d{5}\b")
ADDRESS_END = re.compile(r"\b(TEL|FAX|GST|INVOICE|RECEIPT|BILL|REG|DATE|CASH|ID)\b|:")
REGISTRATION = re.compile(r"\s*\(?\d{4,7}-?[A-Z]?\)?\s*$")


def by_rules(page: Page) -> Receipt:
    """The first line with a legal form or kind of shop, the address that follows, the last amount named total."""
    texts = [line.text.upper() for line in page.lines]
    top = texts[:10]
    first = next((i for i, text in enumerate(top) if FORM.search(text)), None)
    if first is None:
        first = next((i for i, text in enumerate(top) if sum(map(str.isalpha, text)) > 5), None)
    merchant = None if first is None else _field(REGISTRATION.sub("", page.lines[first].text), [first])
    lines: list[int] = []
    for index in range((first or 0) + 1, min(len(texts), (first or 0) + 10)):
        if lines and ADDRESS_END.search(texts[index]):
            break
        if lines or ADDRESS.search(texts[index]):
            lines.append(index)
    address = _field(" ".join(page.lines[i].text for i in lines), lines) if lines else None
    found = [
        one
        for one in candidates(page)
        if re.search(r"TOTAL", one.label) and not re.search(r"SUB|EXCL|GST|TAX|QTY", one.label)
    ]
    amount = found[-1].amount if found else None
    total = None
    if amount is not None:
        total = AmountField(
            text=amount.printed, value=amount.cents / 100, currency="", confidence=1, lines=[found[-1].line]
        )
    nothing = {"subtotal": None, "tax": None, "items": [], "doubts": []}
    return Receipt(image=page.image, merchant=merchant, date=sale_date(page), address=address, total=total, **nothing)


def _field(text: str, lines: list[int]) -> TextField:
    return TextField(text=" ".join(text.split()), confidence=1, lines=lines)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", nargs="+", type=Path)
    parser.add_argument("--readings", type=Path, required=True)
    options = parser.parse_args()
    read = [one for folder in options.data for one in read_receipts(folder, options.readings)]
    names = [Path(page.image.source).stem for page, *_ in read]
    receipts = {name: by_rules(page) for name, (page, *_) in zip(names, read, strict=True)}
    report = judge(receipts, {name: key for name, (_, key, _) in zip(names, read, strict=True)}, data="all")
    for metric in report.metrics:
        print(f"{metric.name:28} {metric.value:.4f}  {metric.low:.4f} to {metric.high:.4f}  n = {metric.n}")


if __name__ == "__main__":
    main()
