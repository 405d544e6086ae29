"""Which files refer to which scripts: by path, by module name, or by import."""

import re
from collections import defaultdict
from collections.abc import Iterator

from preflight.analysis.audit import Audit
from preflight.files import context

_SUFFIX = re.compile(r"(?<=[\w-])\.(?:py|sh|bash)\b")
_BEFORE = re.compile(r"[\w./-]*\Z")
_LONGEST = 250  # characters of a path; one pattern for the whole would take for ever on long words such as base64
_REPORTS = ("scripts_categorization.json", "broken_imports_analysis.json", "internal_import_categorization.json")
_MODULE = re.compile(r"-m\s+([A-Za-z_][\w.]+)")


def references(audit: Audit, scripts: list[str]) -> dict[str, list[str]]:
    """For each script, the other files that refer to it (saved runs and the scripts' own README left out), sorted."""
    found: dict[str, set[str]] = defaultdict(set)
    wanted = set(scripts)
    tails = _tails(scripts)
    tree = audit.project.tree
    for path in (*tree.python, *tree.yaml, *tree.other, *tree.scripts):
        if context(path) == "history" or path.endswith(("scripts/README.md", *_REPORTS)):
            continue
        text = audit.project.text(path) or ""
        for token in _tokens(text):
            for script in _named(token, path, wanted, tails):
                found[script].add(path)
        for module in _MODULE.findall(text):
            named = f"{module.replace('.', '/')}.py"
            if named in wanted:
                found[named].add(path)
    for path, summary in audit.project.sources():
        for item in summary.imports:
            for place in audit.project.resolver.imported(item, path).places:
                if place.path in wanted:
                    found[place.path].add(path)
                if item.name and place.is_package:
                    submodule = audit.project.folders.get(place.folder, item.name)
                    if submodule is not None and submodule.path in wanted:
                        found[submodule.path].add(path)
    return {script: sorted(found[script] - {script}) for script in scripts}


def _tokens(text: str) -> Iterator[str]:
    """Words that end like the path of a script."""
    for suffix in _SUFFIX.finditer(text):
        before = _BEFORE.search(text[max(suffix.start() - _LONGEST, 0) : suffix.start()])
        yield (before[0] if before else "") + suffix[0]


def _tails(scripts: list[str]) -> dict[str, list[str]]:
    """Scripts by their last two path parts, and by their name where no other file can be meant."""
    tails: dict[str, list[str]] = defaultdict(list)
    for script in scripts:
        parts = script.split("/")
        tails["/".join(parts[-2:])].append(script)
        if len(parts[-1]) > 8:
            tails[parts[-1]].append(script)
    return {tail: found for tail, found in tails.items() if len(found) == 1}


def _named(token: str, path: str, wanted: set[str], tails: dict[str, list[str]]) -> list[str]:
    token = token.removeprefix("./")
    beside = f"{path.rpartition('/')[0]}/{token}".lstrip("/")
    for candidate in (token, beside):
        if candidate in wanted:
            return [candidate]
    whole = [script for script in wanted if token.endswith(f"/{script}")]
    return whole or tails.get("/".join(token.split("/")[-2:]), [])
