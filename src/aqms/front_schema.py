"""What the JSON Schemas of a registry say about the front matter of a document."""

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

# Keywords that `_surely_fine` understands, and those that ask for nothing.
_SIMPLE = {"type", "enum", "const", "minimum", "maximum", "minLength", "items", "title", "description"}
_OF_OBJECTS = {"properties", "type", "$schema", "title", "description"}
_TYPES: dict[str, type] = {"string": str, "integer": int, "array": list, "object": dict, "boolean": bool}


def problems(schemas: Iterable[Mapping[str, Any]], fields: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Field and reason of all that breaks a schema; the field is empty where the whole is meant."""
    found = []
    for schema in schemas:
        if _all_surely_fine(schema, fields):
            continue
        for error in _validator(json.dumps(schema, sort_keys=True)).iter_errors(fields):
            path = [str(part) for part in error.absolute_path]
            where = f"{'.'.join(path)}: " if path else ""
            found.append((path[0] if path else "", f"front matter breaks its schema ({where}{error.message})"))
    return sorted(found)


def _all_surely_fine(schema: Mapping[str, Any], fields: Mapping[str, Any]) -> bool:
    """Whether the fields satisfy a schema so simple that the library, which is slow to import, need not be asked."""
    if not schema.keys() <= _OF_OBJECTS or schema.get("type", "object") != "object":
        return False
    asked = schema.get("properties", {})
    return all(_surely_fine(asked[name], fields[name]) for name in fields.keys() & asked.keys())


def _surely_fine(schema: Any, value: Any) -> bool:
    """Whether a value satisfies a schema for certain; False where only the library knows."""
    if not isinstance(schema, dict) or not schema.keys() <= _SIMPLE:
        return False
    names = schema.get("type")
    if names is not None:
        names = [names] if isinstance(names, str) else names
        if not any(type(value) is _TYPES.get(name) for name in names):
            return False
    elif schema.keys() & {"minimum", "maximum", "minLength", "items"}:
        return False  # These ask something of one type only.
    return (
        ("enum" not in schema or (isinstance(value, str) and value in schema["enum"]))
        and ("const" not in schema or (isinstance(value, str) and value == schema["const"]))
        and ("minimum" not in schema or (isinstance(value, int) and value >= schema["minimum"]))
        and ("maximum" not in schema or (isinstance(value, int) and value <= schema["maximum"]))
        and ("minLength" not in schema or (isinstance(value, str) and len(value) >= schema["minLength"]))
        and (
            "items" not in schema or (isinstance(value, list) and all(_surely_fine(schema["items"], v) for v in value))
        )
    )


@lru_cache(maxsize=256)
def _validator(schema: str) -> "Draft202012Validator":
    from jsonschema import Draft202012Validator  # Imported late: it takes longer than all else together.

    return Draft202012Validator(json.loads(schema))
