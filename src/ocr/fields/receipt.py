"""What is known of a receipt: fields with their confidence and the lines they came from.

python -m ocr.fields.receipt > docs/schemas/receipts.schema.json
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from ocr.formats.page import FailedPage, ImageInfo
from ocr.schema import schema_text

Unit = Annotated[float, Field(ge=0, le=1)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TextField(_Frozen):
    """A text; ``lines`` are indices into the page's lines."""

    text: str
    confidence: Unit
    lines: list[int]


class DateField(TextField):
    """A date as printed, and in ISO form; ``ambiguous`` when day and month could be the other way round."""

    iso: str
    ambiguous: bool


class AmountField(TextField):
    """Money, as printed without its currency; ``value`` is exact in hundredths."""

    value: float
    currency: str


class LineItem(_Frozen):
    """One article: what it is called, how many, what one and all of them cost."""

    description: str
    quantity: float | None = None
    unit_price: float | None = None
    amount: float
    confidence: Unit
    lines: list[int]


class Doubt(_Frozen):
    """Why somebody should look at the page."""

    code: Literal["missing-field", "items-differ", "payment-differs", "tax-differs", "date-odd", "low-confidence"]
    message: str


class Receipt(_Frozen):
    """Fields of one page; None where nothing was found. ``doubts`` is empty when all checks agree."""

    schema_version: Literal[1] = 1
    image: ImageInfo
    merchant: TextField | None
    date: DateField | None
    address: TextField | None
    total: AmountField | None
    subtotal: AmountField | None
    tax: AmountField | None
    items: list[LineItem]
    doubts: list[Doubt]


class Receipts(_Frozen):
    """Everything one command or request extracted, in the order asked for."""

    schema_version: Literal[1] = 1
    pages: list[Receipt | FailedPage]


if __name__ == "__main__":
    print(schema_text(Receipts), end="")
