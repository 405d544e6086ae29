"""dependency_check.py: which declared packages the environment has, as a table."""

import sys

from findings.counted import counted
from preflight.declared import normalize
from preflight.environment import find
from preflight.wrappers import harness


def main() -> int:
    """Print every declared dependency with its group and installed version; 1 when a core one is missing or damaged."""
    options = harness.arguments("Compare declared dependencies with what is installed.")

    def work() -> int:
        _, audit, _ = harness.audited(options.root, "SRC001")
        environment = audit.project.environment or find(audit.project.root, sys.prefix)
        if environment is None:
            sys.stdout.write("no environment found\n")
            return 1
        rows, missing = [], 0
        own = {normalize(name) for name in audit.project.declared.own}
        for name, needs in sorted(audit.project.declared.needs.items()):
            if name in own:
                continue
            installed = environment.distributions.get(name)
            damaged = environment.missing_files(name) if installed else []
            groups = ", ".join(sorted({need.group for need in needs}))
            state = (
                f"damaged ({counted(len(damaged), 'file')})"
                if damaged
                else installed.version
                if installed
                else "missing"
            )
            missing += (damaged != [] or installed is None) and any(need.group == "core" for need in needs)
            rows.append((name, state, groups))
        width = max([len(name) for name, _, _ in rows], default=10)
        sys.stdout.writelines(f"{name:{width}}  {state:24}  {groups}\n" for name, state, groups in rows)
        available = sum(state != "missing" and not state.startswith("damaged") for _, state, _ in rows)
        sys.stdout.write(f"{available}/{len(rows)} available in {environment.label}\n")
        return 1 if missing else 0

    return harness.guarded(work)
