"""What the JSON Schemas of a registry say about the front matter of a document."""

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

# Where a schema says nothing but this, a document that has none of the properties satisfies it.
_ABOUT_PROPERTIES = {"properties", "$schema", "title", "description", "type"}


def problems(schemas: Iterable[Mapping[str, Any]], fields: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Field and reason of all that breaks a schema; the field is empty where the whole is meant."""
    found = []
    for schema in schemas:
        if not schema or (
            schema.keys() <= _ABOUT_PROPERTIES and not fields.keys() & schema.get("properties", {}).keys()
        ):
            continue
        for error in _validator(json.dumps(schema, sort_keys=True)).iter_errors(fields):
            path = [str(part) for part in error.absolute_path]
            where = f"{'.'.join(path)}: " if path else ""
            found.append((path[0] if path else "", f"front matter breaks its schema ({where}{error.message})"))
    return sorted(found)


@lru_cache(maxsize=256)
def _validator(schema: str) -> "Draft202012Validator":
    from jsonschema import Draft202012Validator  # Imported late: it takes longer than all else together.

    return Draft202012Validator(json.loads(schema))
