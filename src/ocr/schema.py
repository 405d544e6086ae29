"""The published JSON Schemas: the text of the files under ``docs/schemas``."""

import json

from pydantic import BaseModel


def schema_text(model: type[BaseModel]) -> str:
    """JSON Schema of what ``model`` writes, as the text of the published file."""
    return json.dumps(model.model_json_schema(mode="serialization"), ensure_ascii=False, indent=2) + "\n"
