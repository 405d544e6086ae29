from omegaconf import OmegaConf
for name in ("width",):
    OmegaConf.register_new_resolver(f"shop.{name}", int)
OmegaConf.register_new_resolver("twice", lambda n: 2 * n)
