"""Every script with a verdict by evidence, in scripts_categorization.json."""

from preflight.wrappers.scripts_directory import main

if __name__ == "__main__":
    raise SystemExit(main())
