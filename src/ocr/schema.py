"""Plain values and what checks them.

Specs, cards and pages are frozen dataclasses, so that reading a page imports no pydantic.
What comes from outside is checked by it all the same: `from_json` and `from_plain` take dataclasses and pydantic models
alike, `Limits` says in an annotation what is asked of a field, and to be `Strict` is to refuse unknown keys.
"""

import json
from dataclasses import dataclass, is_dataclass
from functools import cache
from types import NoneType
from typing import Annotated, Any, ClassVar, TypeVar, cast, get_args, get_origin, get_type_hints

T = TypeVar("T")


class Strict:
    """Base of the dataclasses that are made of nothing but their fields: pydantic refuses unknown keys for them."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}


@dataclass(frozen=True)
class Limits:
    """Constraints of a field, by their names in pydantic: ``Annotated[int, Limits(gt=0)]``."""

    gt: float | None = None
    ge: float | None = None
    lt: float | None = None
    le: float | None = None
    min_length: int | None = None
    pattern: str | None = None

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        """The schema of ``source`` within these limits: pydantic asks for it."""
        from pydantic import Field

        given = {name: value for name, value in vars(self).items() if value is not None}
        return handler.generate_schema(Annotated[source, Field(**given)])


Positive = Annotated[int, Limits(gt=0)]
Sha256 = Annotated[str, Limits(pattern=r"^[0-9a-f]{64}$")]


class Mismatch(ValueError):
    """What the first thing wrong with a value is, and where: ``preprocess.max_side: Input should be ...``."""


def from_json(kind: type[T], data: bytes | str) -> T:
    """A value of ``kind`` from its JSON; raises Mismatch."""
    return cast(T, _checked(kind, "validate_json", data))


def from_plain(kind: type[T], value: object) -> T:
    """A value of ``kind`` from mappings, lists and scalars; raises Mismatch."""
    return cast(T, _checked(kind, "validate_python", value))


def from_shipped_json(kind: type[T], data: bytes) -> T:
    """A dataclass from JSON of this package, which its tests have checked: pydantic is asked only when it does not fit.

    Raises Mismatch.
    """
    try:
        return cast(T, _built(kind, json.loads(data)))
    except (ValueError, TypeError, KeyError):
        return from_json(kind, data)


def to_json(value: object, *, indent: int | None = None) -> str:
    """The JSON of a dataclass or pydantic model; numbers that are not finite become null."""
    from pydantic_core import to_json

    return to_json(value, indent=indent, inf_nan_mode="null").decode()


def to_plain(value: object) -> Any:
    """A dataclass or pydantic model as what its JSON would be read back as."""
    from pydantic_core import to_jsonable_python

    return to_jsonable_python(value, inf_nan_mode="null")


def schema_text(kind: type) -> str:
    """JSON Schema of what ``kind`` writes, as the text of the published file under ``docs/schemas``."""
    return json.dumps(_adapter(kind).json_schema(mode="serialization"), ensure_ascii=False, indent=2) + "\n"


def _built(kind: Any, value: Any) -> Any:
    """A value as its annotation says: mappings become dataclasses, lists tuples; the rest is taken as it is."""
    origin, inner = get_origin(kind), get_args(kind)
    if value is None:
        return None
    if origin is Annotated:
        return _built(inner[0], value)
    if origin in (list, tuple):
        return origin(_built(inner[0], one) for one in value)
    if NoneType in inner:
        return _built(inner[0], value)
    if is_dataclass(kind):
        fields = get_type_hints(kind, include_extras=True)
        return cast(type, kind)(**{name: _built(fields[name], one) for name, one in value.items()})
    return value


def _checked(kind: Any, method: str, value: object) -> Any:
    from pydantic import ValidationError

    try:
        return getattr(_adapter(kind), method)(value)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "document"
        unknown = first["type"] in ("extra_forbidden", "unexpected_keyword_argument")
        message = "unknown key" if unknown else first["msg"].removeprefix("Value error, ")
        raise Mismatch(f"{where}: {message}") from error


@cache
def _adapter(kind: type) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)
