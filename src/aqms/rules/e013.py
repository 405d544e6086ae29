"""Text is garbled: UTF-8 that was read in another encoding.

## What it does
Finds runs of characters that are exactly what UTF-8 text becomes when it is read as Mac-Roman or Windows-1252, and
names what they should be.

## Why it is bad
Nobody can read the state of a task from `ðŸŸ¢`, and searching for the right character does not find it.

## Example
`‚â¤7`, which should be `≤7`.

## Fix safety
`aqms fix` writes the text that was meant; text that means what it says is never such a run.
"""

from collections.abc import Iterator

from aqms.project import Project
from aqms.rules.report import found
from findings.finding import Finding


def check(project: Project) -> Iterator[Finding]:
    """One finding a document and encoding, at its first garbled place."""
    for document in project.texts:
        by_encoding: dict[str, int] = {}
        for _, _, _, encoding in document.garbled:
            by_encoding[encoding] = by_encoding.get(encoding, 0) + 1
        for place, text, meant, encoding in document.garbled:
            count = by_encoding.pop(encoding, 0)
            if count:
                more = f" (and {count - 1} more)" if count > 1 else ""
                message = f"garbled text {text!r}{more}: UTF-8 read as {encoding}"
                hint = "run `aqms fix`"
                yield found("E013", document, place, message, expected=repr(meant), hint=hint, symbol=encoding)
