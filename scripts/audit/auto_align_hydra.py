"""Align broken Hydra targets with the code. --dry-run writes nothing."""

from preflight.wrappers.fixing import auto_align_hydra

if __name__ == "__main__":
    raise SystemExit(auto_align_hydra())
