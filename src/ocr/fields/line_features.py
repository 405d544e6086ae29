"""What a line of a receipt looks like, for telling the merchant and its address from the rest."""

import re
from collections.abc import Sequence
from statistics import median

import numpy as np

from ocr.fields.classifier import Features
from ocr.fields.values import amounts, dates
from ocr.formats.page import Line, Page
from ocr.text.normalize import case_free

_KEYWORDS = {
    "company": r"\b(SDN|BHD|S/?B|SB|ENTERPRISE|TRADING|LTD|PLT|CO|COMPANY|CORP|INC|LLC|GMBH|BERHAD|HOLDINGS?|GROUP)\b",
    "shop": r"\b(RESTORAN|RESTAURANT|KEDAI|PASAR\w*|MART|MARKET\w*|MINI|STATION\w*|HARDWARE|BAKER\w+|CAFE|COFFEE"
    r"|KOPITIAM|BOOKS?\w*|PHARMACY|FARMASI|SHOP|STORES?|SUPPL\w+|BISTRO|HOUSE|KITCHEN|SYARIKAT|PETRO\w*|SHELL|ELECTRICAL|FOODS?"
    r"|CONFECTIONERY|HOTEL|CLINIC|KLINIK|MARKETING|FASHION|BOUTIQUE|MACHINERY|MOTORS?|TYRES?|FLORIST|CENTRE|CENTER)\b",
    "street": r"\b(JALAN|JLN|LORONG|LRG|LEBUH|PERSIARAN|ROAD|STREET|AVENUE|LANE|JALAN\w*|BATU|KM)\b",
    "place": r"\b(TAMAN|TMN|BANDAR|KAMPUNG|KG|SEKSYEN|SECTION|KAWASAN|PERINDUSTRIAN|INDUSTRIAL|DESA|PUSAT|BUKIT|PLAZA"
    r"|MALL|COMPLEX|KOMPLEKS|BANGUNAN|WISMA|MENARA|CENTRE|PARK|LOT|NO|UNIT|LEVEL|FLOOR|GROUND"
    r"|BLOCK|BLOK|TINGKAT|LG|UG|GF)\b",
    "region": r"\b(KUALA|LUMPUR|SELANGOR|JOHOR|BAHRU|PENANG|PULAU|PINANG|PERAK|KEDAH"
    r"|MELAKA|PAHANG|SEMBILAN|SABAH|SARAWAK|SHAH|ALAM|PETALING|JAYA|KLANG|PUCHONG|SUBANG|AMPANG|CHERAS|KEPONG|IPOH|DARUL|EHSAN|TAKZIM|MALAYSIA|SETIA|W\.?P)\b",
    "phone": r"\b(TEL|TELE?PHONE|FAX|H/?P|HOTLINE|MOBILE|PHONE|WHATSAPPS?|TEL/FAX|CAREL\w*|CONTACT)\b",
    "web": r"WWW|HTTP|\.COM|@\w+\.|E-?MAIL|FACEBOOK",
    "tax": r"\b(GST|SST|TAX|VAT|TIN)\b",
    "registration": r"\b(REG|ROC|CO\.? ?REG|COMPANY NO|REGN?|REG\.? ?NO)\b"
    r"|\(?\d{5,7} ?- ?[A-Z]\)?|\b20\d{10}\b|\b00\d{7}-\w\b",
    "document": r"\b(INVOICE|RECEIPT|BILL|CHECK|ORDER|DOC|CASHIER|SERVER|TABLE|MEMBER|CUSTOMER|SALES?|CASH"
    r"|TO|ATTN|OWNED|DELIVER\w*)\b",
    "greeting": r"\b(THANK|WELCOME|COME|AGAIN|GOODS|SOLD|RETURN\w*|EXCHANGE|OPERATED|MANAGED|OWNED|BY|FORMERLY)\b",
    "money": r"\b(TOTAL|SUBTOTAL|QTY|PRICE|AMOUNT|CHANGE|ROUNDING|DISCOUNT|RM|DESCRIPTION|ITEM)\b",
}
_PATTERNS = {name: re.compile(pattern) for name, pattern in _KEYWORDS.items()}
_POSTCODE = re.compile(r"(?<!\d)\d{5}(?!\d)")


def line_features(page: Page) -> list[Features]:
    """Features of every line of a page."""
    texts = [case_free(line.text) for line in page.lines]
    shapes = [_shape(line) for line in page.lines]
    plain = [_own_features(text) for text in texts]
    heights = median([height for *_, height in shapes]) if shapes else 1.0
    rows: list[Features] = []
    for index, (text, (x, y, width, height)) in enumerate(zip(texts, shapes, strict=True)):
        features = dict(plain[index])
        features |= _place(index, y / page.image.height, height / heights)
        features |= {"centred": float(abs(x + width / 2 - page.image.width / 2) < 0.08 * page.image.width)}
        features |= {f"word {word}": 1.0 for word in re.findall(r"[A-Z]{3,}", text)}
        for step in (-2, -1, 1, 2):
            near = index + step
            if 0 <= near < len(texts):
                features |= {f"{step:+d} {name}": value for name, value in plain[near].items()}
            else:
                features[f"{step:+d} none"] = 1.0
        seen = [
            name for name in ("phone", "tax", "document", "money", "postcode", "company") if _seen(plain[:index], name)
        ]
        features |= {f"after {name}": 1.0 for name in seen}
        rows.append(features)
    return rows


def _seen(before: Sequence[Features], name: str) -> bool:
    return any(features.get(name) for features in before)


def _place(index: int, share: float, height: float) -> dict[str, float]:
    rank = min(index, 14)
    return {
        f"rank {rank}": 1.0,
        f"down {min(int(share * 10), 9)}": 1.0,
        "top": max(0.0, 1 - 4 * share),
        "large": float(np.clip(height - 1, -1, 2)),
        "first lines": max(0.0, 1 - index / 10),
    }


def _own_features(text: str) -> dict[str, float]:
    """What a text shows by itself."""
    letters = sum(character.isalpha() for character in text)
    digits = sum(character.isdigit() for character in text)
    length = max(1, len(text))
    features = {name: float(bool(pattern.search(text))) for name, pattern in _PATTERNS.items()}
    features |= {
        "postcode": float(bool(_POSTCODE.search(text))),
        "amount": float(bool(amounts(text))),
        "date": float(bool(dates(text))),
        "letters": letters / length,
        "digits": digits / length,
        "short": float(length < 5),
        "long": min(length / 40, 1.0),
        "commas": min(text.count(",") / 2, 1.0),
        "comma at end": float(text.rstrip(" .").endswith(",")),
        "colon": float(":" in text),
        "bracket": float(text.startswith("(")),
        "words": min(len(text.split()) / 6, 1.0),
        "only digits": float(letters == 0),
    }
    return features


def _shape(line: Line) -> tuple[float, float, float, float]:
    """Left, middle, width and height of a line in pixels."""
    points = np.array(line.polygon)
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    return float(left), float(top + bottom) / 2, float(right - left), float(bottom - top)
