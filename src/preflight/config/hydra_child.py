"""Run by the project's own interpreter: compose configs with the real Hydra and resolve them; builds nothing.

Reads a job from standard input, writes one JSON line for each composition. Resolvers of the project are stood in for by
functions that return their own name, so that none of its code runs.
"""

import json
import sys
from contextlib import suppress


def main() -> None:
    """Compose everything in the job."""
    job = json.load(sys.stdin)
    try:
        from hydra import compose, initialize_config_dir
        from hydra.core.global_hydra import GlobalHydra
        from hydra.core.hydra_config import HydraConfig
        from hydra.errors import HydraException
        from omegaconf import OmegaConf
        from omegaconf.errors import InterpolationToMissingValueError, OmegaConfBaseException
    except ImportError as error:
        print(json.dumps({"unavailable": str(error)}))
        return
    for name in job["resolvers"]:
        if not OmegaConf.has_resolver(name):
            OmegaConf.register_new_resolver(name, lambda *_arguments, name=name: name)
    for item in job["compositions"]:
        GlobalHydra.instance().clear()
        problem = None
        try:
            with initialize_config_dir(item["folder"], version_base=None):
                config = compose(item["name"], overrides=item["overrides"], return_hydra_config=True)
            HydraConfig.instance().set_config(config)
            for key in config:
                if key != "hydra" and OmegaConf.is_config(config._get_node(key)):
                    with suppress(InterpolationToMissingValueError):
                        OmegaConf.to_container(config[key], resolve=True, throw_on_missing=False)
        except (HydraException, OmegaConfBaseException, ValueError, TypeError, AttributeError) as error:
            problem = f"{type(error).__name__}: {error}"
        print(json.dumps({"name": item["name"], "overrides": item["overrides"], "problem": problem}))


if __name__ == "__main__":
    main()
