"""The ``ocr`` command: a table of command groups, each imported when it is used."""

import errno
import importlib
import os
import select
import sys
import warnings
from collections.abc import Sequence
from functools import partial
from typing import Any

import ocr
from ocr.errors import OcrError, OldLayoutWarning

# name: (module:attribute, what it does). The attribute is a typer app, or a function from arguments to an exit code.
COMMANDS: dict[str, tuple[str, str]] = {
    "read": ("ocr.cli.read:app", "read images and PDFs: text, boxes, confidence"),
    "batch": ("ocr.cli.batch:app", "read many pages into Parquet or JSON lines, resumable"),
    "serve": ("ocr.cli.serve:app", "serve reading over HTTP; make and revoke API keys"),
    "extract": ("ocr.cli.extract:app", "fields of receipts: merchant, date, address, totals, items"),
    "ui": ("ocr.cli.ui:app", "open the web page: read, compare, checkpoints, runs, errors, audit"),
    "train": ("ocr.cli.train:main", "train a detector or a recognizer (Hydra overrides follow)"),
    "eval": ("ocr.cli.eval:app", "score a bundle or checkpoint on a data set"),
    "tune": ("ocr.cli.tune:app", "choose thresholds, a character prior and calibration on validation data"),
    "bench": ("ocr.cli.bench:app", "accuracy against time for every bundle and option"),
    "export": ("ocr.cli.export:app", "turn a checkpoint into a bundle that `ocr read` uses"),
    "quantize": ("ocr.cli.quantize:app", "a recognizer's bundle in eight bits: half its time, a gate on what it reads"),
    "data": ("ocr.cli.data:app", "check, crop, split, convert and make data"),
    "runs": ("ocr.cli.runs:app", "list, show and compare training runs"),
    "ablation": ("ocr.cli.ablation:app", "train a grid of settings and tell what each was worth"),
    "checkpoints": ("ocr.cli.checkpoints:app", "find, inspect and repair checkpoints"),
    "migrate": ("ocr.cli.migrate:app", "bring outputs of the old layouts into today's"),
}

# What to do about a place that cannot be read or written.
REMEDIES = {
    errno.ENOSPC: "free some space, then run the command again",
    errno.EDQUOT: "free some of your quota, then run the command again",
    errno.ENOENT: "check the path; the folder of a file to be written has to be there",
    errno.EACCES: "change its permissions, or name another place",
    errno.EPERM: "change its permissions, or name another place",
    errno.EROFS: "name a place that can be written",
    errno.ENOTDIR: "one of the folders in its path is a file: name another place",
    errno.EISDIR: "it is a folder where a file is needed: name another place",
    errno.EEXIST: "something else of that name is there: name another place",
    errno.ENAMETOOLONG: "name a shorter one",
}

USAGE = """Usage: ocr COMMAND [ARGS]...

Read receipts and documents; train, judge and export the models that do it.

Commands:
{commands}

Options:
  --version  Print the version and exit.
  --help     Print this help and exit; `ocr COMMAND --help` explains one.

Examples:
  ocr read receipt.jpg
  ocr read scans/ --json > pages.json
  ocr train experiment=det_receipt data.root=sroie
  ocr export best@task=detection --to my_detector
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that ``argv`` names and return its exit code: 2 for wrong use and for every OcrError."""
    try:
        code = _main(list(sys.argv[1:] if argv is None else argv))
        sys.stdout.flush()
    except BrokenPipeError:
        if not _reader_has_gone():
            raise
        # What Python still has for it at exit goes nowhere, and not into a traceback.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return code


def _reader_has_gone() -> bool:
    """Whether nobody (head, less) reads standard output any more: then that, and no other pipe, is what broke."""
    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)
    return bool(poll.poll(0))


def _main(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("--help", "-h"):
        width = max(map(len, COMMANDS))
        print(USAGE.format(commands="\n".join(f"  {n:{width}}  {text}" for n, (_, text) in COMMANDS.items())), end="")
        return 0 if arguments else 2
    name, *rest = arguments
    if name == "--version":
        print(f"ocr {ocr.__version__}")
        return 0
    if name not in COMMANDS:
        print(f"ocr: there is no command {name!r}; commands: {', '.join(COMMANDS)}", file=sys.stderr)
        return 2
    module, _, attribute = COMMANDS[name][0].partition(":")
    with warnings.catch_warnings():
        warnings.simplefilter("default", OldLayoutWarning)
        warnings.showwarning = partial(_show_warning, name)
        return _run(name, module, attribute, rest)


def _run(name: str, module: str, attribute: str, rest: list[str]) -> int:
    try:
        command = getattr(importlib.import_module(module), attribute)
        if hasattr(command, "registered_commands"):  # a typer app, told apart without importing typer
            return int(command(args=rest, prog_name=f"ocr {name}", standalone_mode=True) or 0)
        return int(command(rest))
    except OcrError as error:
        print(f"ocr {name}: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        if error.errno not in REMEDIES:
            raise
        place = "the output" if error.filename is None else error.filename
        print(f"ocr {name}: {place}: {error.strerror}; {REMEDIES[error.errno]}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"ocr {name}: interrupted", file=sys.stderr)
        return 130


def _show_warning(command: str, message: Warning | str, category: type[Warning], *where: Any) -> None:
    """Say what of the old layouts was used in one line; other warnings as Python says them."""
    if issubclass(category, OldLayoutWarning):
        print(f"ocr {command}: {' '.join(str(message).split())}", file=sys.stderr)
    else:
        print(warnings.formatwarning(message, category, *where[:2]), end="", file=sys.stderr)


if __name__ == "__main__":
    raise SystemExit(main())
