"""Point imports of moved names at the module that defines them now. --dry-run writes nothing."""

from preflight.wrappers.fixing import batch_fix_imports

if __name__ == "__main__":
    raise SystemExit(batch_fix_imports())
