"""`preflight lsp`: diagnostics while you edit, and go-to-definition of `_target_` in YAML (extra `lsp`: pygls).

The whole repository is audited from disk when a file is opened or saved; the cache makes that a fraction of a second.
"""

from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from findings.finding import Finding, Severity
from preflight import api
from preflight.analysis.audit import Audit

_LEVELS: dict[Severity, int] = {"error": 1, "warning": 2, "info": 3}  # DiagnosticSeverity of the protocol


def path_of(uri: str) -> Path:
    """The file of a `file://` address."""
    return Path(unquote(urlsplit(uri).path))


def audited(path: Path) -> tuple[Path, Audit, list[Finding]]:
    """The root of the repository around a file, its audit, and all findings."""
    root, _ = api.locate([path])
    request = api.Request(root, fixes=False)
    audit = api.open_audit(request)
    return root, audit, list(api.run(request, audit).findings)


def diagnostic(finding: Finding) -> dict[str, Any]:
    """A finding as the protocol wants it: positions start at 0."""
    start = {"line": finding.line - 1, "character": finding.column - 1}
    width = max(len(finding.symbol.rpartition(".")[2]), 1)
    return {
        "range": {"start": start, "end": {"line": start["line"], "character": start["character"] + width}},
        "severity": _LEVELS[finding.severity],
        "code": finding.code,
        "source": api.TOOL,
        "message": finding.message,
    }


def diagnostics(path: Path) -> list[dict[str, Any]]:
    """The diagnostics of one file."""
    root, _, findings = audited(path)
    own = path.resolve().relative_to(root.resolve()).as_posix()
    return [diagnostic(finding) for finding in findings if finding.path == own]


def definition(path: Path, line: int) -> tuple[Path, int] | None:
    """The file and line (from 0) where the target on a line of a config is defined; None when that is not known."""
    root, audit, _ = audited(path)
    own = path.resolve().relative_to(root.resolve()).as_posix()
    for target in audit.targets.all:
        if target.path == own and target.line == line + 1:
            lead = audit.targets.lead(target.text)
            if lead.status != "found" or lead.defined is None or lead.defined.place is None:
                return None
            summary = audit.project.summary(lead.defined.place.path)
            bound = summary.binding(lead.defined.name.partition(".")[0]) if summary else None
            info = summary.class_info(lead.defined.name) if summary else None
            row = info.line if info else bound.line if bound else 1
            return root / lead.defined.place.path, row - 1
    return None


def serve() -> None:
    """Speak the protocol on standard input and output until the editor ends it; UseError without pygls."""
    try:
        types: Any = import_module("lsprotocol.types")
        server: Any = import_module("pygls.lsp.server").LanguageServer("preflight", "1")
    except ImportError as error:
        raise api.UseError("the editor server needs pygls; pip install 'receipt-ocr[lsp]'") from error

    def publish(uri: str) -> None:
        items = [
            types.Diagnostic(
                range=types.Range(
                    types.Position(item["range"]["start"]["line"], item["range"]["start"]["character"]),
                    types.Position(item["range"]["end"]["line"], item["range"]["end"]["character"]),
                ),
                severity=types.DiagnosticSeverity(item["severity"]),
                code=item["code"],
                source=item["source"],
                message=item["message"],
            )
            for item in diagnostics(path_of(uri))
        ]
        server.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, items))

    def opened(parameters: Any) -> None:
        publish(parameters.text_document.uri)

    def defined(parameters: Any) -> Any:
        found = definition(path_of(parameters.text_document.uri), parameters.position.line)
        if found is None:
            return None
        place = types.Position(found[1], 0)
        return types.Location(found[0].resolve().as_uri(), types.Range(place, place))

    server.feature(types.TEXT_DOCUMENT_DID_OPEN)(opened)
    server.feature(types.TEXT_DOCUMENT_DID_SAVE)(opened)
    server.feature(types.TEXT_DOCUMENT_DEFINITION)(defined)
    server.start_io()
