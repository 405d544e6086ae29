"""Broken internal imports, library or scripts, in internal_import_categorization.json."""

from preflight.wrappers.import_categories import categorize

if __name__ == "__main__":
    raise SystemExit(categorize())
