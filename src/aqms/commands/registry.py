"""`aqms registry`: the one truth, checked, filled, asked and drawn."""

import json
from pathlib import Path
from typing import Annotated

import typer

from aqms.commands.output import AsJson, fail, open_project

app = typer.Typer(help="The registry: check, fill, ask and draw it.", rich_markup_mode=None)


@app.command()
def validate(
    file: Annotated[Path | None, typer.Argument(help="A registry; that of the repository when left out.")] = None,
    as_json: AsJson = False,
) -> None:
    """Check a registry by its JSON Schema, and whether its types and standards keep what they promise.

    Example:

      aqms registry validate
    """
    from aqms import registry, registry_schema
    from aqms.project import find_root

    root = find_root(Path.cwd())
    own = root / registry.LOCATION
    path = file or (own if own.is_file() else registry.SHIPPED)
    if not path.is_file():
        fail(f"{path}: no such file; check the path")
    content, digest = registry.read(path)
    problems = registry_schema.problems(content)
    if not problems:
        made = registry.build(content, path, digest)
        problems = registry.semantic_problems(made) or registry_schema.broken_promises(made, root)
    if as_json:
        print(json.dumps({"path": str(path), "problems": problems}, indent=2, ensure_ascii=False))
    else:
        print("".join(f"{path}: {problem}\n" for problem in problems) or f"{path}: right\n", end="")
    raise typer.Exit(1 if problems else 0)


@app.command()
def sync(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Bring the standards of the registry in line with the headers of the files in AgentQMS/standards/.

    Example:

      aqms registry sync --dry-run
    """
    from aqms import sync as syncing
    from aqms.project import find_root

    delta, problems = syncing.sync(find_root(Path.cwd()), dry_run=dry_run)
    rows = {"added": delta.added, "removed": delta.removed, "changed": delta.changed}
    if as_json:
        print(json.dumps({**rows, "problems": problems, "dry_run": dry_run}, indent=2, ensure_ascii=False))
    else:
        print("".join(f"{problem}\n" for problem in problems), end="")
        told = "".join(f"{word} {name}\n" for word, names in rows.items() for name in names)
        print(told or "the registry says what the files say\n", end="")
        if problems:
            print("nothing is written until the headers are mended")
    raise typer.Exit(1 if problems else 0)


@app.command()
def resolve(
    task: Annotated[str, typer.Option(help="What is to be done: a task that standards name, or words.")] = "",
    path: Annotated[str, typer.Option(help="A file to be worked on, from the root of the repository.")] = "",
    keywords: Annotated[str, typer.Option(help="Words, separated by commas or blanks.")] = "",
    no_deps: Annotated[bool, typer.Option("--no-deps", help="Without what the standards build on.")] = False,
    no_tier1: Annotated[bool, typer.Option("--no-tier1", help="Without the laws that nothing asked for.")] = False,
    paths_only: Annotated[bool, typer.Option("--paths-only", help="Print files only.")] = False,
    as_json: AsJson = False,
) -> None:
    """Name the standards that bind a piece of work, in reading order.

    Examples:

      aqms registry resolve --task code-review

      aqms registry resolve --path src/ocr/nn/heads/db_head.py --keywords "hydra, config"
    """
    from aqms import standards

    if not (task or path or keywords):
        fail("nothing to resolve; give --task, --path or --keywords")
    project = open_project()
    words = keywords.replace(",", " ").split()
    found = standards.resolve(
        project.registry.standards, task=task, path=path, keywords=words, laws=not no_tier1, dependencies=not no_deps
    )
    if as_json:
        rows = [
            {"id": m.standard.name, "tier": m.standard.tier, "file": m.standard.file, "reason": m.reason} for m in found
        ]
        print(json.dumps(rows, indent=2, ensure_ascii=False))
    elif paths_only:
        print("".join(f"{match.standard.file}\n" for match in found), end="")
    else:
        lines = [f"{m.standard.tier}  {m.standard.name:12} {m.standard.file}  ({m.reason})\n" for m in found]
        print("".join(lines) or "no standard applies\n", end="")


@app.command()
def graph(
    form: Annotated[str, typer.Option("--format", help="mermaid or dot.")] = "mermaid",
    as_json: AsJson = False,
) -> None:
    """Draw how the standards build on each other.

    Example:

      aqms registry graph --format dot | dot -Tsvg > standards.svg
    """
    from aqms import standards

    if form not in ("mermaid", "dot"):
        fail(f"format {form!r} is unknown; choose mermaid or dot")
    known = open_project().registry.standards
    if as_json:
        print(json.dumps({name: list(item.dependencies) for name, item in known.items()}, indent=2))
    else:
        print(standards.graph(known, dot=form == "dot"), end="")


@app.command()
def show(as_json: AsJson = False) -> None:
    """Print the registry in force.

    Example:

      aqms registry show > registry.yaml
    """
    from aqms import registry

    project = open_project()
    content, _ = registry.read(project.registry.path)
    text = project.registry.path.read_text(encoding="utf-8")
    print(json.dumps(content, indent=2, ensure_ascii=False) if as_json else text.rstrip("\n"))


@app.command()
def schema() -> None:
    """Print the JSON Schema of registries.

    Example:

      aqms registry schema > registry.schema.json
    """
    from aqms import registry_schema

    print(registry_schema.PATH.read_text(encoding="utf-8"), end="")
