"""Comment out hopeless imports in scripts, with everything that used them. --dry-run writes nothing."""

from preflight.wrappers.fixing import comment_out_broken_scripts

if __name__ == "__main__":
    raise SystemExit(comment_out_broken_scripts())
