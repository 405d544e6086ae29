"""Amounts and dates as they are printed, and as a reader sees them."""

import pytest

from ocr.fields.values import amounts, dates


@pytest.mark.parametrize(
    ("text", "cents"),
    [
        ("TOTAL RM 33.90", [3390]),
        ("RM33.90", [3390]),
        ("1 X 6.30 6.30", [630, 630]),
        ("$1,234.50", [123450]),
        ("1 234,50", [123450]),
        ("RM 1 234.50", [123450]),
        ("2 500.00", [50000]),  # a quantity and a price
        ("CHAIR 2 150.00 300.00", [15000, 30000]),
        ("1 23,50", [2350]),
        ("1.234,50", [123450]),
        ("€ 1.234.567,89", [123456789]),
        ("39.726.34", [3972634]),  # a faint comma
        ("CHF 1'234.50", [123450]),
        ("0.250 100.00", [10000]),  # a weight and a price
        ("1.000 .50", [50]),
        ("1.234", []),
        ("-RM 0.02", [-2]),
        ("RM -0.02", [-2]),
        ("VOUCHER 2.00-", [-200]),
        ("2.00- 3.00", [-200, 300]),
        ("(2.00)", [-200]),
        ("( RM 1,234.50 )", [-123450]),
        ("(GST 2.00)", [200]),
        ("(2.00 INCL)", [200]),
        ("9.00-12.00", [900]),
        (".90", [90]),
        ("1O.0O", [1000]),  # the letter O
        ("Total (MYR)12.00", [1200]),
        ("GST 6.00%", []),
        ("2.6500", []),
        ("12.01.2019", []),
        ("TEL 03-555.12", []),
        ("9.9", []),
        ("", []),
    ],
)
def test_amounts_have_two_decimals(text: str, cents: list[int]) -> None:
    assert [one.cents for one in amounts(text)] == cents


def test_an_amount_is_written_plainly() -> None:
    (one,) = amounts("RM 1,234.50")
    assert (one.printed, one.currency) == ("1234.50", "RM")


@pytest.mark.parametrize(
    ("text", "iso", "printed", "ambiguous"),
    [
        ("DATE: 14/02/2018 12:31", "2018-02-14", "14/02/2018", False),
        ("12-01-19 21:13 SH01", "2019-01-12", "12-01-19", True),
        ("30~04-2018", "2018-04-30", "30-04-2018", False),
        ("24 Mar 2018 18:23", "2018-03-24", "24 Mar 2018", False),
        ("24/MAR/2018", "2018-03-24", "24/MAR/2018", False),
        ("OCT 3, 2016", "2016-10-03", "OCT 3, 2016", False),
        ("14th February 2018 12:31", "2018-02-14", "14th February 2018", False),
        ("1ST MARCH 2018", "2018-03-01", "1ST MARCH 2018", False),
        ("2nd May, 2018", "2018-05-02", "2nd May, 2018", False),
        ("June 7th, 2018", "2018-06-07", "June 7th, 2018", False),
        ("Feb-14-2018", "2018-02-14", "Feb-14-2018", False),
        ("2018-Feb-14", "2018-02-14", "2018-Feb-14", False),
        ("2018 MAR 04 18:23", "2018-03-04", "2018 MAR 04", False),
        ("14 MAC 2018", "2018-03-14", "14 MAC 2018", False),
        ("1 OGOS 2018", "2018-08-01", "1 OGOS 2018", False),
        ("31 DISEMBER 2019", "2019-12-31", "31 DISEMBER 2019", False),
        ("2018년 2월 4일 12:31", "2018-02-04", "2018년 2월 4일", False),
        ("18년02월04일", "2018-02-04", "18년02월04일", False),
        ("2018-03-04", "2018-03-04", "2018-03-04", True),
        ("02/14/2018", "2018-02-14", "02/14/2018", False),
        ("25/ 12 /2018", "2018-12-25", "25/12/2018", False),
        ("25/12/20188:13", "2018-12-25", "25/12/2018", False),
        ("05/05/2018", "2018-05-05", "05/05/2018", False),
        ("3.1.17", "2017-01-03", "3.1.17", True),
    ],
)
def test_dates_in_their_forms(text: str, iso: str, printed: str, ambiguous: bool) -> None:
    (one,) = dates(text)
    assert (one.day.isoformat(), one.printed, one.ambiguous) == (iso, printed, ambiguous)


@pytest.mark.parametrize(
    "text", ["31/02/2018", "41/12/2018", "12.50", "03-40210276", "000306020352", "1/2", "7/118B", ""]
)
def test_what_is_no_date(text: str) -> None:
    assert dates(text) == []
