"""Write the defining path of moved and re-exported targets. --scan lists, --dry-run writes nothing."""

from preflight.wrappers.fixing import fix_hydra_targets

if __name__ == "__main__":
    raise SystemExit(fix_hydra_targets())
