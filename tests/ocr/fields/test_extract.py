"""A receipt's fields, the lines they came from, and what makes it doubtful."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from ocr.fields.extract import extract
from ocr.fields.items import line_items
from ocr.fields.receipt import Receipt
from ocr.fields.spelling import Spelling, shipped_spelling
from ocr.formats.page import Page
from ocr.geometry.turn import turn_back

Make = Callable[[list[str]], Page]
TODAY = date(2020, 1, 1)


def codes(receipt: Receipt) -> set[str]:
    return {doubt.code for doubt in receipt.doubts} - {"low-confidence"}


def change(rows: list[str], old: str, new: str) -> list[str]:
    assert any(old in row for row in rows)
    return [row.replace(old, new) for row in rows]


def test_every_field_of_a_plain_receipt(make: Make, rows: list[str]) -> None:
    page = make(rows)
    receipt = extract(page, today=TODAY)
    assert receipt.merchant is not None
    assert receipt.merchant.text == "NASI BERLIAN MAJU SDN BHD"
    assert receipt.address is not None
    assert receipt.address.text == "NO. 12, JALAN MERANTI 3/4, TAMAN MERANTI JAYA, 47100 PUCHONG, SELANGOR"
    assert receipt.date is not None
    assert (receipt.date.text, receipt.date.iso) == ("14/02/2018", "2018-02-14")
    assert receipt.total is not None
    assert (receipt.total.text, receipt.total.value, receipt.total.currency) == ("11.45", 11.45, "RM")
    assert receipt.subtotal is not None
    assert receipt.tax is not None
    assert (receipt.subtotal.value, receipt.tax.value) == (10.8, 0.65)
    assert [(i.description, i.quantity, i.unit_price, i.amount) for i in receipt.items] == [
        ("NASI LEMAK", 2, 4.5, 9.0),
        ("TEH TARIK", 1, 1.8, 1.8),
    ]
    assert codes(receipt) == set()
    for field in (receipt.merchant, receipt.address, receipt.date, receipt.total):
        texts = " ".join(page.lines[index].text for index in field.lines)
        assert field.text.split()[0] in texts
        assert 0 < field.confidence <= 1


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_receipt_that_lies_on_its_side_has_the_same_fields(make: Make, rows: list[str], quarters: int) -> None:
    page = make(rows)
    width, height = page.image.width, page.image.height
    size = (height, width) if quarters % 2 else (width, height)
    lines = [
        replace(line, polygon=[(x, y) for x, y in turn_back(np.array(line.polygon), -quarters, size).tolist()])
        for line in page.lines
    ]
    image = replace(page.image, width=size[0], height=size[1])
    receipt = extract(replace(page, image=image, lines=lines), today=TODAY)
    assert receipt.image == image
    assert receipt.model_dump(exclude={"image"}) == extract(page, today=TODAY).model_dump(exclude={"image"})


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("1 X | 1.80 | 1.80", "1 X | 2.80 | 2.80", "items-differ"),
        ("CASH | 20.00", "CASH | 50.00", "payment-differs"),
        ("SUBTOTAL | 10.80", "SUBTOTAL | 10.10", "tax-differs"),
        ("14/02/2018", "14/02/2028", "date-odd"),
        ("14/02/2018", "14/02/1998", "date-odd"),
        ("DATE: 14/02/2018", "DATE:", "missing-field"),
    ],
)
def test_what_does_not_agree_makes_a_page_doubtful(make: Make, rows: list[str], old: str, new: str, code: str) -> None:
    assert code in codes(extract(make(change(rows, old, new)), today=TODAY))


TEH = "TEH TARIK | 1 X | 1.80 | 1.80"
DEARER_TEH = "TEH TARIK | 1 X | 2.80 | 2.80"
GST, TOTAL = "GST 6% | 0.65", "TOTAL | RM 11.45"


@pytest.mark.parametrize(
    "changed",
    [
        {"CHANGE | 8.55": ["CHANGE | -8.55"]},
        {"CHANGE | 8.55": ["CHANGE | 8.55-"]},
        {"CASH | 20.00": ["CASH | -20.00"]},
        {"CASH | 20.00": ["BALANCE DUE | 11.45", "VISA CARD | 11.45"], "CHANGE | 8.55": []},
        {GST: ["SERVICE CHARGE 10% | 1.08", GST], TOTAL: ["TOTAL | RM 12.53"], "CHANGE | 8.55": ["CHANGE | 7.47"]},
        {GST: ["DISCOUNT | 1.00", GST], TOTAL: ["TOTAL | RM 10.45"], "CHANGE | 8.55": ["CHANGE | 9.55"]},
        {GST: ["DISCOUNT | -1.00", GST], TOTAL: ["TOTAL | RM 10.45"], "CHANGE | 8.55": ["CHANGE | 9.55"]},
        {TEH: [DEARER_TEH, "VOUCHER | 1.00-"]},
        {TEH: [DEARER_TEH, "VOUCHER | (1.00)"]},
    ],
)
def test_what_adds_up_is_not_doubtful(make: Make, rows: list[str], changed: dict[str, list[str]]) -> None:
    assert changed.keys() <= set(rows)
    receipt = extract(make([new for row in rows for new in changed.get(row, [row])]), today=TODAY)
    assert codes(receipt) == set()
    assert receipt.tax is not None
    assert receipt.tax.value == 0.65


def test_a_service_charge_is_no_tax(make: Make, rows: list[str]) -> None:
    assert extract(make(change(rows, "GST 6%", "SERVICE CHARGE 6%")), today=TODAY).tax is None


def test_a_page_without_lines_has_nothing_and_says_so(make: Make) -> None:
    receipt = extract(make([]), today=TODAY)
    assert (receipt.merchant, receipt.address, receipt.date, receipt.total, receipt.items) == (
        None,
        None,
        None,
        None,
        [],
    )
    assert codes(receipt) == {"missing-field"}
    assert len(receipt.doubts) == 3


def test_the_sale_s_date_is_not_the_one_goods_must_be_returned_by(make: Make, rows: list[str]) -> None:
    receipt = extract(make(["EXPIRY 01/01/2019", *rows, "RETURN BEFORE 28/02/2018"]), today=TODAY)
    assert receipt.date is not None
    assert receipt.date.iso == "2018-02-14"


def test_an_item_s_name_may_stand_above_its_prices(make: Make) -> None:
    page = make(["ITEM | QTY | AMOUNT", "CHOPPING BOARD 35.5X25CM", "8970669", "1 X | 19.00 | 19.00", "TOTAL | 19.00"])
    (item,) = line_items(page)
    assert (item.description, item.quantity, item.amount) == ("CHOPPING BOARD 35.5X25CM", 1, 19.0)
    assert item.lines == [3, 5, 6, 7]


def test_quantity_and_price_are_two_numbers(make: Make) -> None:
    page = make(
        [
            "DESCRIPTION | QTY | PRICE | AMOUNT",
            "OFFICE CHAIR | 2 | 150.00 | 300.00",
            "WOODEN TABLE | 1 | 200.00",
            "LAMP | 3 25,00 | 75,00",
            "TOTAL | 2 575.00",
        ]
    )
    assert [(i.description, i.quantity, i.unit_price, i.amount) for i in line_items(page)] == [
        ("OFFICE CHAIR", 2, 150.0, 300.0),
        ("WOODEN TABLE", None, None, 200.0),
        ("LAMP", 3, 25.0, 75.0),
    ]


def test_a_number_beside_the_total_is_no_part_of_it(make: Make, rows: list[str]) -> None:
    counted = change(change(change(rows, "9.00", "909.00"), "TOTAL | RM 11.45", "TOTAL | 2 911.45"), "20.00", "920.00")
    receipt = extract(make(counted), today=TODAY)
    assert receipt.total is not None
    assert receipt.total.value == 911.45


@pytest.mark.parametrize(
    "product",
    [
        "GROUND COFFEE",
        "ROUND NECK TEE",
        "NEW BALANCE SHOES",
        "EXCHANGE ITEM",
        "CHANGE OIL",
        "CASHEW NUTS",
        "CASH BOOK A5",
        "VISA PHOTO",
    ],
)
def test_products_named_like_payments_are_items(make: Make, product: str) -> None:
    page = make(["ITEM | AMOUNT", "MILK | 3.00", f"{product} | 12.00", "BREAD | 4.00", "TOTAL | 19.00", "CASH | 19.00"])
    assert [item.description for item in line_items(page)] == ["MILK", product, "BREAD"]


@pytest.mark.parametrize(
    "label",
    [
        "TOTAL",
        "ROUND ADJ",
        "ROUND OFF",
        "ROUNDED",
        "5 CENT ROUNDING",
        "CASH RM",
        "CHANGE DUE:",
        "CHANGE",
        "BALANCE",
        "BALANCE DUE",
        "VISA 1234",
        "VISA CARD",
        "PAYMENT (CASH)",
    ],
)
def test_items_end_at_totals_and_payments(make: Make, label: str) -> None:
    page = make(["ITEM | AMOUNT", "MILK | 3.00", f"{label} | 3.00", "POINTS | 4.00"])
    assert [item.description for item in line_items(page)] == ["MILK"]


def test_registration_numbers_are_no_part_of_the_name(make: Make, rows: list[str]) -> None:
    joined = change(rows, "MAJU SDN BHD", "MAJU SDN BHD (1234567-K)")
    receipt = extract(make([joined[0], *joined[2:]]), today=TODAY)
    assert receipt.merchant is not None
    assert receipt.merchant.text == "NASI BERLIAN MAJU SDN BHD"


@pytest.mark.parametrize(
    ("read", "right"),
    [
        ("MAJU SON BHD", "MAJU SDN BHD"),
        ("Maju Sdn. Bhd.", "Maju Sdn. Bhd."),
        ("99 MART S/8", "99 MART S/B"),
        ("JALAN SELANG0R", "JALAN SELANGOR"),
        ("Selangot", "Selangor"),
        ("B0OKS & C0.", "BOOKS & CO."),
        ("MR. D.1.Y.", "MR. D.I.Y."),
        ("LOT 1851-A, SS21/39, U13/X", "LOT 1851-A, SS21/39, U13/X"),
        ("SELANTANG", "SELANTANG"),  # two slips away: left as it was read
    ],
)
def test_spelling(read: str, right: str) -> None:
    assert Spelling(["SELANGOR", "STATIONERY"]).corrected(read) == right


def test_the_shipped_words_leave_each_other_alone() -> None:
    spelling = shipped_spelling()
    assert spelling.corrected("KUALA LUMPUR SELANGOR") == "KUALA LUMPUR SELANGOR"
