"""``ocr checkpoints``: find, inspect, check and repair checkpoints by their cards."""

import json as json_format
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ocr.cli.listing import (
    OUTPUTS,
    Format,
    How,
    Json,
    Limit,
    Roots,
    Sort,
    Where,
    print_rows,
    print_table,
    relative,
    report,
    shown,
    uncollected,
)

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False, no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="A file, a run folder, a run id, `latest` or `best@QUERY`.")]

COLUMNS = {
    "score": "score",
    "monitor": "monitor",
    "epoch": "epoch",
    "step": "step",
    "task": "task",
    "encoder": "encoder",
    "run": "run_id",
    "alias": "aliases",
    "path": "path",
}


@app.callback()
def checkpoints() -> None:
    """Find, inspect, check and repair checkpoints. Reads cards, never weights, except for `doctor`."""


@app.command(name="list")
def list_(
    root: Roots = OUTPUTS,
    where: Where = None,
    sort: Sort = None,
    limit: Limit = None,
    how: How = Format.text,
    json: Json = False,
) -> None:
    """List checkpoints, the newest first. Exits 1 when some cannot be listed as they should.

    Examples:

      ocr checkpoints list --where "task=detection hmean>0.9 encoder~resnet" --sort -hmean

      ocr checkpoints list --root outputs --root /shared/outputs --limit 20 --format json
    """
    from ocr.records.catalog import BRIEF, Catalog

    catalog, as_json = Catalog(root), json or how is Format.json
    with uncollected():
        if as_json or where or (sort or "created").removeprefix("-") not in BRIEF:
            _print(catalog.find(where, sort=sort, limit=limit), as_json=as_json)
        else:
            found = catalog.brief(sort=sort or "-created", limit=limit)
            _print_columns({field: [row[n] for row in found] for n, field in enumerate(BRIEF)})
    report(catalog.problems)


@app.command()
def best(
    root: Roots = OUTPUTS, where: Where = None, limit: Limit = 1, how: How = Format.text, json: Json = False
) -> None:
    """Print the best checkpoint by the metric it was monitored by, in that metric's direction.

    Examples:

      ocr checkpoints best --where task=recognition

      ocr export best@task=recognition --to my_recognizer
    """
    from ocr.records.catalog import Catalog

    _print(Catalog(root).best(where)[:limit], as_json=json or how is Format.json)


@app.command()
def show(name: Name, root: Roots = OUTPUTS, how: How = Format.text, json: Json = False) -> None:
    """Print all that is known of a checkpoint.

    Examples:

      ocr checkpoints show latest

      ocr checkpoints show outputs/2026-01-31/12-00-00/checkpoints/best.ckpt --json
    """
    from ocr.records.find import checkpoint_path
    from ocr.records.upgrade import usable_card
    from ocr.schema import to_plain

    path = checkpoint_path(name, root)
    card = {"path": str(path), **to_plain(usable_card(path))}
    if json or how is Format.json:
        print(json_format.dumps(card, ensure_ascii=False, indent=1))
        return
    for key, value in card.items():
        if key == "charset" and value is not None:
            print(f"charset: {len(value)} characters {''.join(value)}")
        elif key == "metrics":
            for metric in value:
                print(f"{metric['name']}: {shown(metric['value'])} (n={metric['n']}, {metric['protocol']})")
        elif isinstance(value, dict):
            print(f"{key}: {json_format.dumps(value, ensure_ascii=False)}")
        else:
            print(f"{key}: {shown(value)}")


@app.command()
def validate(
    names: Annotated[list[str] | None, typer.Argument(help="Checkpoints; default: all below the roots.")] = None,
    root: Roots = OUTPUTS,
    how: How = Format.text,
    json: Json = False,
) -> None:
    """Check that each checkpoint is, byte for byte, the one its card was written for. Exits 1 when one is not.

    Examples:

      ocr checkpoints validate

      ocr checkpoints validate best@task=detection
    """
    from ocr.records.catalog import Catalog
    from ocr.records.find import checkpoint_path
    from ocr.records.layout import WHOLE
    from ocr.records.scan import Problem
    from ocr.records.verify import verify

    catalog = Catalog(root)
    known = {row["path"]: row["state"] for row in catalog.checkpoints()}
    chosen = [str(checkpoint_path(name, root)) for name in names] if names else sorted(known)
    results = [{"path": path, "state": verify(Path(path), known.get(path, WHOLE))} for path in chosen]
    print_rows(
        [result | {"path": relative(result["path"])} for result in results],
        {"state": "state", "path": "path"},
        as_json=json or how is Format.json,
    )
    orphans = [] if names else [problem for problem in catalog.problems if problem.path not in known]
    report([*orphans, *(Problem(r["path"], r["state"]) for r in results if r["state"] != WHOLE)])


@app.command()
def doctor(
    paths: Annotated[list[Path] | None, typer.Argument(help="Checkpoints or folders; default: outputs.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be written, and write nothing.")] = False,
    how: How = Format.text,
    json: Json = False,
) -> None:
    """Open checkpoints that have no usable card, say what they are, and write a card where that is possible.

    Weights are opened as tensors and plain values; code in them is never run. An old sidecar becomes a card, and is
    kept as NAME.old. Exits 1 when some could not be helped.

    Examples:

      ocr checkpoints doctor --dry-run

      ocr checkpoints doctor old_outputs/run1/checkpoints/best.ckpt
    """
    from ocr.optional import safe_import
    from ocr.records.catalog import Catalog
    from ocr.records.layout import WHOLE
    from ocr.records.scan import Problem

    folders = [path for path in paths or OUTPUTS if not path.is_file()]
    rows = Catalog(folders).checkpoints() if folders else []
    ill = [row["path"] for row in rows if row["state"] != WHOLE or row.get("old")]
    ill += [str(path) for path in paths or [] if path.is_file()]
    findings: list[dict[str, Any]] = []
    if ill:
        safe_import("torch")
        from ocr.training.doctor import examine

        findings = [examine(Path(path), dry_run=dry_run) for path in sorted(set(ill))]
    if json or how is Format.json:
        print(json_format.dumps(findings, ensure_ascii=False, indent=1))
    else:
        for finding in findings:
            print(f"{relative(finding['path'])}: {finding['is']}; {finding['done']}")
    if not findings:
        print("every checkpoint has its card", file=sys.stderr)
    report(Problem(f["path"], f["problem"]) for f in findings if f["problem"])


def _print(rows: Any, *, as_json: bool) -> None:
    if as_json:
        print_rows(rows, COLUMNS, as_json=True)
    else:
        _print_columns({field: [row.get(field) for row in rows] for field in (*COLUMNS.values(), "inferred")})


def _print_columns(told: dict[str, list[Any]]) -> None:
    here = os.getcwd()
    told["path"] = [relative(path, here) for path in told["path"]]
    pairs = zip(told["encoder"], told["inferred"], strict=True)
    told["encoder"] = [f"{encoder} (inferred)" if inferred else encoder for encoder, inferred in pairs]
    print_table({heading: told[field] for heading, field in COLUMNS.items()})
