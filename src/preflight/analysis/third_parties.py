"""Packages from outside: whether they are declared, and whether their installed files are whole."""

from collections.abc import Iterator

from preflight.analysis.imports import External, Imports
from preflight.declared import normalize
from preflight.project import Project


class ThirdParties:
    """Questions about imports from outside the repository."""

    def __init__(self, project: Project, imports: Imports) -> None:
        self.project = project
        self.imports = imports
        self._declared: dict[str, bool] = {}

    def is_declared(self, top: str) -> bool:
        """Whether a declared distribution can provide the import name `top`."""
        known = self._declared.get(top)
        if known is None:
            known = self._declared[top] = self._is_declared(top)
        return known

    def _is_declared(self, top: str) -> bool:
        declared = self.project.declared
        if top in self.project.settings.known or declared.providers(top):
            return True
        environment = self.project.environment
        providers = environment.providers(top) if environment else []
        own = {normalize(name) for name in declared.own}
        return any(name in declared.needs or name in own for name in providers)

    def damaged(self) -> Iterator[tuple[External, str, list[str]]]:
        """Used distributions with missing files, each with its first import."""
        environment = self.project.environment
        if environment is None:
            return
        seen: set[str] = set()
        for external in self.imports.external:
            if external.top in seen:
                continue
            seen.add(external.top)
            for name in environment.providers(external.top):
                if name not in seen:
                    seen.add(name)
                    missing = environment.missing_files(name)
                    if missing:
                        yield external, name, missing
