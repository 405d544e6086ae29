"""The published form of a registry: its JSON Schema, what breaks it, and whether what it promises is kept."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from aqms.registry import Registry

PATH = Path(__file__).with_name("registry.schema.json")


def schema() -> dict[str, Any]:
    """The JSON Schema that every registry must satisfy."""
    loaded: dict[str, Any] = json.loads(PATH.read_text(encoding="utf-8"))
    return loaded


def problems(content: Any) -> list[str]:
    """Where a registry's content breaks the schema, as `place: reason`, in the order of the places."""
    errors = sorted(Draft202012Validator(schema()).iter_errors(content), key=lambda e: [str(p) for p in e.path])
    found = [f"{'.'.join(map(str, error.path)) or 'root'}: {error.message}" for error in errors]
    return found or _bad_front_matter(content)


def _bad_front_matter(content: dict[str, Any]) -> list[str]:
    places = {"front_matter": content.get("front_matter", {})}
    places |= {f"types.{name}.front_matter": kind.get("front_matter", {}) for name, kind in content["types"].items()}
    found = []
    for place, inner in places.items():
        try:
            Draft202012Validator.check_schema(inner)
        except SchemaError as error:
            found.append(f"{place}: is no JSON Schema ({error.message})")
    return found


def broken_promises(registry: Registry, repository: Path) -> list[str]:
    """Types whose new documents would not validate, and standards whose files are not there."""
    from aqms import create
    from aqms.document import parse
    from aqms.project import Project
    from aqms.rules.table import RULES
    from findings import engine

    found = []
    now = datetime(2026, 1, 29, 3, 30).astimezone()
    for name, kind in registry.types.items():
        project = Project(repository, registry)
        number = create.next_number(kind, repository / kind.folder)
        path = kind.folder / create.file_name(kind, "name", now, number)
        project.documents = [parse(create.text(kind, "Title", now), path.as_posix())]
        outcome = engine.run(RULES, project, tool="aqms", read=lambda _path: None)
        found += [f"type {name}: a new document breaks {f.code}: {f.message}" for f in outcome.findings]
    for name, standard in registry.standards.items():
        if not (repository / standard.file).is_file():
            found.append(f"standard {name}: {standard.file} is not there; mend the entry or run `aqms registry sync`")
    return found
