"""An installed package is damaged: files that its own RECORD lists are gone.

## What it does
For every third-party package that the repository imports, compares the RECORD of the installed distribution with the
files on disk. One finding for each damaged distribution, at its first import, with the number of missing files.

## Why it is bad
`import hydra` succeeds and `import hydra.core` fails: the error surfaces in the middle of good code, and looks like a
broken import of that code.

## Example
A copy that was interrupted, or two distributions that own one folder and of which one was removed.

## Fix safety
There is no fix in the code: install the distribution again (`pip install --force-reinstall --no-deps NAME`).
"""

from collections.abc import Iterator

from findings.finding import Finding
from findings.rule import Rule
from preflight.analysis import causes
from preflight.analysis.audit import Audit


def check(audit: Audit) -> Iterator[Finding]:
    """One finding for each damaged distribution that the repository uses."""
    for external, name, missing in audit.third_parties.damaged():
        item = external.item
        message = (
            f"'{name}' is installed but damaged: {len(missing)} of its files are gone ({missing[0]}); "
            f"install it again: pip install --force-reinstall --no-deps {name}"
        )
        cause = causes.package(external.top, "damaged")
        yield Finding("IMP005", "error", external.path, item.line, item.column, message, external.top, cause)


RULE = Rule("IMP005", "damaged-package", "error", check, __doc__ or "")
