"""Broken imports by category, in broken_imports_analysis.json. Exit code 1 when there are any."""

from preflight.wrappers.import_categories import analyze

if __name__ == "__main__":
    raise SystemExit(analyze())
