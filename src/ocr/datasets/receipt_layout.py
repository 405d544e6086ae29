"""Where things stand on a receipt: head, goods in columns, totals, foot, and what is drawn but is no text."""

import random
from dataclasses import dataclass, field, replace

import numpy as np

from ocr.datasets.receipt_ink import Ink, Style, draw_style, print_text
from ocr.datasets.receipt_text import ReceiptText
from ocr.fonts.find import covers, fonts_for

Box = tuple[float, float, float, float]


@dataclass
class Sheet:
    """The ink of a whole receipt, and the box (x_min, y_min, x_max, y_max) and transcript of each piece of text."""

    ink: Ink
    boxes: list[Box] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)


def lay_out(rng: random.Random, text: ReceiptText, width: int, items: int) -> Sheet:
    """Print a receipt `width` pixels wide with that many goods; its height follows."""
    printer = _Printer(rng, text, width)
    printer.head()
    printer.goods(items)
    printer.totals()
    printer.foot()
    return printer.sheet()


class _Printer:
    """Prints from the top to the bottom, as a receipt printer does."""

    def __init__(self, rng: random.Random, text: ReceiptText, width: int) -> None:
        self.rng, self.text, self.width = rng, text, width
        self.margin = width * rng.uniform(0.03, 0.1)
        columns = rng.uniform(30, 46)
        self.height = (width - 2 * self.margin) / columns / 0.55
        self.style = draw_style(rng, "가A" if text.hangul else "A", self.height)
        self.leading = rng.uniform(1.1, 1.7)
        self.y = self.height * rng.uniform(1, 4)
        self.lines: list[tuple[Ink, int, int]] = []
        self.boxes: list[Box] = []
        self.texts: list[str] = []
        self.drawings: list[tuple[slice, slice, int]] = []

    def head(self) -> None:
        rng = self.rng
        if rng.random() < 0.25:
            self._logo()
        align = 0.5 if rng.random() < 0.85 else 0.0
        big = rng.choice((1.0, 1.3, 1.6, 2.0))
        self._row([(self.text.draw("shop"), align)], self.style.double(min(big, rng.choice((1.0, big))), big))
        for symbol in ("address", "address", "address", "contact", "contact")[: rng.randint(1, 5)]:
            self._row([(self.text.draw(symbol), align)])
        if rng.random() < 0.7:
            self._gap()
            self._row([(self.text.draw("title"), 0.5)], self.style.double(1, rng.choice((1, 1.4))))
        self._gap()
        for _ in range(rng.randint(1, 5)):
            label, value = self.text.draw("meta"), self.text.draw("meta_value")
            if rng.random() < 0.3:
                self._row([(f"{label}:", 0.0), (value, 1.0 if rng.random() < 0.4 else 0.3)])
            else:
                self._row([(f"{label}{rng.choice((': ', ' : ', ' '))}{value}", 0.0)])

    def goods(self, items: int) -> None:
        rng = self.rng
        self._rule()
        titles = self.text.draw("columns").split()
        self._row([(title, i / max(1, len(titles) - 1)) for i, title in enumerate(titles)])
        self._rule()
        two_rows = rng.random() < 0.5
        for _ in range(items):
            name, price = self.text.draw("phrase"), self.text.draw("price")
            quantity = str(rng.randint(1, 12))
            if two_rows:
                self._row([(name, 0.0)])
                unit = f"{quantity} {self.text.draw('times')} {self.text.draw('price')}"
                self._row([(unit, rng.choice((0.05, 0.25))), (price, 1.0)])
            elif rng.random() < 0.5:
                self._row([(f"{quantity} {name}", 0.0), (price, 1.0)])
            else:
                self._row([(name, 0.0), (quantity, 0.7), (price, 1.0)])

    def totals(self) -> None:
        rng = self.rng
        self._rule()
        right = rng.random() < 0.3
        for _ in range(rng.randint(2, 7)):
            style = self.style.double(1, rng.choice((1.4, 2))) if rng.random() < 0.15 else None
            label = self.text.draw("label") + rng.choice(("", ":", " :"))
            self._row([(label, 0.55 if right else 0.0), (self.text.draw("price"), 1.0)], style)

    def foot(self) -> None:
        rng = self.rng
        self._rule()
        for _ in range(rng.randint(1, 4)):
            self._row([(self.text.draw("closing"), 0.5)])
        if rng.random() < 0.3:
            self._row([(self.text.draw("date"), rng.choice((0.0, 0.5)))])
        if rng.random() < 0.35:
            self._bars()
        self.y += self.height * rng.uniform(1, 6)

    def sheet(self) -> Sheet:
        """Return all that was printed on one sheet."""
        ink = np.zeros((int(self.y) + 1, self.width), np.uint8)
        for rows, columns, value in self.drawings:
            ink[rows, columns] = value
        for part, x, y in self.lines:
            height, width = part.shape
            place = ink[y : y + height, x : x + width]
            np.maximum(place, part[: place.shape[0], : place.shape[1]], out=place)
        return Sheet(ink, self.boxes, self.texts)

    def _row(self, cells: list[tuple[str, float]], style: Style | None = None) -> None:
        """Print cells beside each other; 0 is flush left, 0.5 centred, 1 flush right. What does not fit goes below."""
        style = style or self.style
        free = self.margin
        highest = self.height * style.stretch_y / self.style.stretch_y
        for text, align in cells:
            if not covers(style.font, text):  # a currency or a syllable that the receipt's font lacks
                style = replace(style, font=fonts_for(text)[0])
            printed = print_text(style, text)
            wide = printed.box[2] - printed.box[0]
            room = self.width - 2 * self.margin
            if wide > room:  # a lone line goes on below, a cell in a row is cut off
                fitting = max(1, int(len(text) * room / wide))
                if len(cells) == 1 and (space := text.rfind(" ", 0, fitting)) > 0:
                    self._row([(text[:space], align)], style)
                    self._row([(text[space + 1 :], align)], style)
                    return
                text = text[:fitting].strip() or text[:1]
                printed = print_text(style, text)
                wide = printed.box[2] - printed.box[0]
            x = self.margin + align * (room - wide)
            if x < free:
                self.y += highest * self.leading
            free = x + wide + self.height
            left, base = round(x - printed.box[0]), round(self.y)
            left = max(0, left)
            self.lines.append((printed.ink, left, base))
            x0, y0, x1, y1 = printed.box
            pad = 0.06 * (y1 - y0)
            self.boxes.append((left + x0 - pad, base + y0 - pad, left + x1 + pad, base + y1 + pad))
            self.texts.append(text)
        self.y += highest * self.leading

    def _gap(self) -> None:
        self.y += self.height * self.rng.uniform(0, 1.2)

    def _rule(self) -> None:
        """Draw a solid or dashed rule, or none: annotators leave them out."""
        kind = self.rng.random()
        if kind < 0.25:
            return self._gap()
        self.y += self.height * 0.3
        rows = slice(int(self.y), int(self.y) + max(1, round(self.height * self.rng.uniform(0.04, 0.12))))
        left, right = int(self.margin), int(self.width - self.margin)
        if kind < 0.5:
            self.drawings.append((rows, slice(left, right), 255))
        else:
            dash = max(2, int(self.height * self.rng.uniform(0.2, 0.6)))
            for x in range(left, right, round(dash * self.rng.choice((1.5, 2)))):
                self.drawings.append((rows, slice(x, min(right, x + dash)), 255))
        self.y += self.height * 0.6

    def _bars(self) -> None:
        """Draw a bar code."""
        x, end = self.width * 0.2, self.width * 0.8
        rows = slice(int(self.y), int(self.y + self.height * self.rng.uniform(1.5, 3)))
        while x < end:
            wide = self.rng.randint(1, 4) * max(1, self.width // 400)
            self.drawings.append((rows, slice(int(x), int(x) + wide), 255))
            x += wide + self.rng.randint(1, 4) * max(1, self.width // 400)
        self.y = rows.stop + self.height * 0.5

    def _logo(self) -> None:
        """Draw blocks that look like a logo without letters."""
        size = self.height * self.rng.uniform(1.5, 4)
        centre = self.width / 2
        for _ in range(self.rng.randint(1, 4)):
            x, wide = centre + self.rng.uniform(-1.5, 0.5) * size, size * self.rng.uniform(0.2, 1.2)
            top = self.y + self.rng.uniform(0, 0.4) * size
            columns = slice(max(0, int(x)), int(x + wide))
            self.drawings.append((slice(int(top), int(top + size * 0.6)), columns, self.rng.randint(90, 255)))
        self.y += size * 1.2
