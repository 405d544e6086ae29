"""``ocr migrate``: outputs of the old layouts into today's, proved and undone by a journal."""

import json as json_format
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from findings.counted import counted
from ocr.cli.listing import Json, print_rows, relative, report
from ocr.cli.progress import steps

if TYPE_CHECKING:
    from ocr.records.migration.migrate import Outcome

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False, no_args_is_help=True)

To = Annotated[Path, typer.Option("--to", help="Folder of the runs in today's layout.")]

COLUMNS = {
    "old": "old",
    "new": "new",
    "scheme": "scheme",
    "checkpoints": "checkpoints",
    "cards": "cards",
    "state": "state",
}


@app.callback()
def migrate() -> None:
    """Bring runs of the old layouts into today's. docs/ai_handbook/migration.md is the guide, with the way back."""


@app.command()
def outputs(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="Folder that holds the old runs, or one old run.")],
    to: To = Path("outputs"),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and write nothing.")] = False,
    move: Annotated[bool, typer.Option("--move", help="Move the files instead of copying them.")] = False,
    copy: Annotated[
        bool, typer.Option("--copy", help="Copy the files; the old tree stays as it is (the default).")
    ] = False,
    link: Annotated[
        bool, typer.Option("--link", help="Hard-link the files; no space, but both names are one file.")
    ] = False,
    report_file: Annotated[
        Path | None, typer.Option("--report", help="Markdown report, JSON beside it. [default: TO/migration-report.md]")
    ] = None,
    json: Json = False,
) -> None:
    """Map every old run to its place and bring its files there, with checksums.

    Sidecars become cards; old paths and targets inside of metadata, configs and logs are rewritten, the originals kept
    in `.original` of each run. Nothing is overwritten. Stopped at any moment, the same command goes on; done twice, it
    does nothing. Exits 1 when something could not be brought over as it should.

    Examples:

      ocr migrate outputs outputs.old --dry-run

      ocr migrate outputs outputs.old --to outputs --link
    """
    from ocr.records.migration.migrate import Migration
    from ocr.records.migration.report import REPORT, as_json, write_report
    from ocr.records.scan import Problem

    if move + copy + link > 1:
        raise typer.BadParameter("choose one of --move, --copy and --link")
    migration = Migration(old, to, "move" if move else "link" if link else "copy")
    if dry_run:
        outcome = migration.dry_run()
    else:
        with steps("migrating", len(migration.found.runs)) as step:
            outcome = migration.run(step)
    if report_file is not None or not dry_run:
        try:
            written = write_report(outcome, report_file or to / REPORT)
            if not dry_run:
                migration.ledger.report(written)
        except OSError as error:
            where = str(report_file or to / REPORT)
            outcome.problems.append(Problem(where, f"cannot be written: {error.strerror or error}"))
    if json:
        print(json_format.dumps(as_json(outcome), ensure_ascii=False, indent=1))
    else:
        _print(outcome)
    report(outcome.problems)


@app.command()
def verify(to: To = Path("outputs"), json: Json = False) -> None:
    """Prove that every old checkpoint is listed, its bytes equal and its metadata what it was. Exits 1 when not.

    Every byte is read. Where the old tree is still there it is compared with as well.

    Examples:

      ocr migrate verify

      ocr migrate verify --to outputs --json
    """
    from dataclasses import asdict

    from ocr.records.migration.verify import opened, verify_migration

    with steps("verifying", len(opened(to).runs)) as step:
        found = verify_migration(to, step)
    if json:
        problems = [{"path": path, "reason": reason} for path, reason in found.problems]
        print(json_format.dumps(asdict(found) | {"problems": problems}, ensure_ascii=False, indent=1))
    else:
        print(
            f"{counted(found.runs, 'run')}, {counted(found.files, 'file')} ({found.bytes / 1e6:.1f} MB) with the bytes "
            f"they had, {found.compared_with_old} of them compared with the old tree; {found.listed} of "
            f"{counted(found.checkpoints, 'checkpoint')} listed, {counted(found.cards, 'card')} as their old sidecars"
        )
    report(found.problems)


@app.command()
def undo(to: To = Path("outputs"), json: Json = False) -> None:
    """Take a migration back: what was made or copied goes, what was moved returns. Exits 1 when something was left.

    Files that were changed since stay and are listed; the last copy of anything is never removed.

    Examples:

      ocr migrate undo --to outputs
    """
    from dataclasses import asdict

    from ocr.records.migration.undo import undo as undo_migration
    from ocr.records.migration.verify import opened

    with steps("undoing", len(opened(to).runs)) as step:
        undone = undo_migration(to, step)
    if json:
        problems = [{"path": path, "reason": reason} for path, reason in undone.problems]
        print(json_format.dumps(asdict(undone) | {"problems": problems}, ensure_ascii=False, indent=1))
    else:
        print(
            f"{counted(undone.runs, 'run')}: {counted(undone.removed, 'file')} removed, "
            f"{undone.returned} back in their old place"
        )
    report(undone.problems)


def _print(outcome: "Outcome") -> None:
    from dataclasses import asdict

    from ocr.records.migration.report import summary

    print_rows([asdict(run) for run in outcome.runs], COLUMNS, as_json=False)
    figures = summary(outcome)
    verb = "would be" if outcome.dry_run else "are"
    print(
        f"{counted(figures['runs'], 'run')} with {counted(figures['checkpoints'], 'checkpoint')} "
        f"{verb} in {relative(outcome.new)} ({counted(figures['cards'], 'card')}, {counted(figures['paths'], 'path')} "
        f"and {counted(figures['targets'], 'target')} rewritten); left where they are: "
        f"{counted(len(outcome.left), 'file')} and {counted(len(outcome.current), 'run')} of today's layout"
    )
