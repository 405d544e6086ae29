"""A config that nothing reaches, or that is equal to another.

## What it does
Below config folders that code starts from, reports files that no entry point reaches with any option of any group, and
whose group or name no code, document, script or CI file mentions; and files whose content is equal to another option
of the same group.

## Why it is bad
Nobody runs it, so nobody notices when it breaks; of two equal options somebody will edit one.

## Example
`configs/model/old_resnet.yaml` that no defaults list and no command line names.

## Fix safety
There is no fix: it may be kept on purpose (ignore it inline).
"""

import posixpath
from collections.abc import Iterator

from findings.finding import Finding
from findings.rule import Rule
from preflight.analysis.audit import Audit
from preflight.files import context


def check(audit: Audit) -> Iterator[Finding]:
    """One finding for each config without a use."""
    trees = audit.compositions.trees
    started = sorted({entry.root for entry in trees.entries if entry.source})
    first: dict[tuple[str, bytes], str] = {}
    for root in started:
        for path in sorted(trees.files):
            if not path.startswith(f"{root}/") or context(path) != "code":
                continue
            folder, data = posixpath.dirname(path), (audit.project.data(path) or b"").strip()
            other = first.setdefault((folder, data), path)
            if other != path and data:
                yield Finding("HYD012", "info", path, 1, 1, f"same content as {other}; keep one of them", path)
            if path not in audit.compositions.reached and not _mentioned(audit, root, path):
                message = "no entry point reaches this config, and nothing mentions it"
                yield Finding("HYD012", "info", path, 1, 1, message, path)


def _mentioned(audit: Audit, root: str, path: str) -> bool:
    inside = path[len(root) :].strip("/").rpartition(".")[0]
    group, _, name = inside.rpartition("/")
    if group.startswith("hydra"):
        return True
    words = [f"{name}.yaml", f"{group}={name}", f"{group}/{name}", f"{group}="] if group else [f"{name}.yaml", name]
    return any(word in audit.mentions for word in words)


RULE = Rule("HYD012", "unreached-config", "info", check, __doc__ or "")
