"""Every Hydra target names the module that defines it. Exit code 1 when one does not."""

from preflight.wrappers.hydra_target_linter import main

if __name__ == "__main__":
    raise SystemExit(main())
