"""Broken imports and broken Hydra targets, also in audit_results.txt. Exit code 1 when there are any."""

from preflight.wrappers.master_audit import main

if __name__ == "__main__":
    raise SystemExit(main())
