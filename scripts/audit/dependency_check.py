"""Declared dependencies and what the environment has of them."""

from preflight.wrappers.dependency_check import main

if __name__ == "__main__":
    raise SystemExit(main())
