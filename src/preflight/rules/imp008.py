"""Code changes sys.path.

## What it does
Reports `sys.path.append`, `insert`, `extend` and `site.addsitedir`. Folders that the text shows are used as source
roots by this audit, so that the imports below are still followed.

## Why it is bad
What is imported depends on who ran first. An installed, editable project needs no such lines.

## Example
```python
sys.path.insert(0, os.path.dirname(os.path.dirname(__file__)))
```
Install the project in editable mode (`pip install -e .`) and import it by name.

## Fix safety
There is no fix: the project has to be installable first.
"""

from collections.abc import Iterator

from findings.finding import Finding
from findings.rule import Rule
from preflight.analysis.audit import Audit


def check(audit: Audit) -> Iterator[Finding]:
    """One finding for each edit of the import path."""
    for path, summary in audit.project.sources():
        for call in summary.calls:
            if call.kind == "path":
                message = "sys.path is changed here; install the project in editable mode instead"
                yield Finding("IMP008", "info", path, call.line, call.column, message, "sys.path")


RULE = Rule("IMP008", "path-edit", "info", check, __doc__ or "")
