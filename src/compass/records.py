"""Dataclasses from JSON, checked field by field. Done by hand because pydantic takes 0.1 s to import and build."""

import types
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from compass.errors import CompassError

T = TypeVar("T")


class RecordError(ValueError):
    """JSON that is not the record asked for; the message begins with the place, such as `active_pulse.phase: `."""


def build(kind: type[T], data: Any, *, more: bool = False, place: str = "") -> T:
    """The record of type `kind` in `data`. Unknown keys are an error unless `more`; so is a wrong type anywhere."""
    if not isinstance(data, dict):
        raise RecordError(f"{place or 'the record'}: not an object")
    known: dict[str, Field[Any]] = {field.name: field for field in fields(kind) if field.init}  # type: ignore[arg-type]
    hints = get_type_hints(kind)
    unknown = sorted(set(data) - set(known))
    if unknown and not more:
        raise RecordError(f"{_join(place, unknown[0])}: unknown key")
    values = {}
    for name, field in known.items():
        if name in data:
            values[name] = _value(hints[name], data[name], _join(place, name))
        elif field.default is MISSING and field.default_factory is MISSING:
            raise RecordError(f"{_join(place, name)}: missing")
    try:
        return kind(**values)
    except CompassError as error:  # From the record's own check of its values.
        raise RecordError(f"{place or 'the record'}: {error}") from None


def _value(hint: Any, value: Any, place: str) -> Any:
    """`value` when it has the type `hint`; nested records are built."""
    origin, inner = get_origin(hint), get_args(hint)
    if hint is Any:
        return value
    if is_dataclass(hint) and isinstance(hint, type):
        return build(hint, value, place=place)
    if origin in (Union, types.UnionType):
        return _one_of(inner, value, place)
    if origin is Literal:
        if value in inner and type(value) in {type(choice) for choice in inner}:
            return value
        raise RecordError(f"{place}: {value!r} is none of {', '.join(map(repr, inner))}")
    if origin is list and isinstance(value, list):
        return [_value(inner[0], item, f"{place}.{number}") for number, item in enumerate(value)]
    if origin is dict and isinstance(value, dict):
        return {key: _value(inner[1], item, f"{place}.{key}") for key, item in value.items()}
    if hint is float and type(value) in (int, float):
        return float(value)
    if origin is None and type(value) is hint:
        return value
    raise RecordError(f"{place}: a {type(value).__name__}, not a {getattr(hint, '__name__', hint)}")


def _one_of(kinds: tuple[Any, ...], value: Any, place: str) -> Any:
    """`value` as the first of several types that it has; the message is that of the last one tried."""
    if value is None and type(None) in kinds:
        return None
    kinds = tuple(kind for kind in kinds if kind is not type(None))
    for kind in kinds[:-1]:
        try:
            return _value(kind, value, place)
        except RecordError:
            continue
    return _value(kinds[-1], value, place)


def _join(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name
