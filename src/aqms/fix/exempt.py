"""What inline ignores keep from being mended: whoever exempts a finding wants its cause to stay."""

from findings import ignore
from findings.finding import Finding


class Exempt:
    """The exemptions that a document holds."""

    def __init__(self, text: str) -> None:
        self._ignores = ignore.parse(text, "aqms")

    def has(self, code: str, line: int = 1) -> bool:
        """Whether a finding of this code on this line is exempt."""
        return self._ignores.covers(Finding(code, "error", "", line, 1, ""))
