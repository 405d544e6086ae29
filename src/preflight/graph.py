"""Who imports whom, as DOT or Mermaid, of modules or of folders."""

from collections import Counter

from preflight.analysis.audit import Audit
from preflight.source.folders import Place


def edges(audit: Audit, *, depth: int, prefix: str) -> Counter[tuple[str, str]]:
    """Imports at import time between modules, cut to `depth` name parts, of modules that begin with `prefix`."""
    found: Counter[tuple[str, str]] = Counter()
    for path, targets in audit.soundness.edges.items():
        source = _name(audit, path, depth)
        for target_path in targets:
            target = _name(audit, target_path, depth)
            inside = (source + ".").startswith(prefix + ".") and (target + ".").startswith(prefix + ".")
            if source != target and source and target and (not prefix or inside):
                found[source, target] += 1
    return found


def _name(audit: Audit, path: str, depth: int) -> str:
    dotted = audit.project.resolver.dotted(Place("package" if path.endswith("__init__.py") else "module", path))
    return ".".join(dotted.split(".")[:depth]) if depth else dotted


def dot(found: Counter[tuple[str, str]]) -> str:
    """Graphviz source."""
    lines = ["digraph imports {", "  rankdir=LR;", "  node [shape=box];"]
    lines += [f'  "{source}" -> "{target}" [label={count}];' for (source, target), count in sorted(found.items())]
    return "\n".join([*lines, "}"]) + "\n"


def mermaid(found: Counter[tuple[str, str]]) -> str:
    """Mermaid source."""
    names = {name: f"n{index}" for index, name in enumerate(sorted({name for edge in found for name in edge}))}
    lines = ["graph LR", *(f'  {key}["{name}"]' for name, key in names.items())]
    lines += [f"  {names[source]} -->|{count}| {names[target]}" for (source, target), count in sorted(found.items())]
    return "\n".join(lines) + "\n"
