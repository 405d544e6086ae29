"""The documentation's page for each rule: `python -m preflight.pages FOLDER` writes them, a test compares them."""

import sys
from pathlib import Path

from findings import rule as rules
from preflight.rules.table import RULES


def pages() -> dict[str, str]:
    """File name -> Markdown, an index of all rules among them."""
    made = {f"{rule.code}.md": rules.page(rule) for rule in RULES}
    lines = ["# Rules", "", "| code | name | greatest severity | finding |", "|---|---|---|---|"]
    for rule in RULES:
        state = rule.severity if rule.default else f"{rule.severity}, off by default"
        lines.append(f"| [{rule.code}]({rule.code}.md) | {rule.name} | {state} | {rule.summary} |")
    made["index.md"] = "\n".join(lines) + "\n"
    return made


def main() -> None:
    """Write the pages into the folder given on the command line."""
    if len(sys.argv) != 2:
        sys.stderr.write("usage: python -m preflight.pages FOLDER\n")
        raise SystemExit(2)
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
