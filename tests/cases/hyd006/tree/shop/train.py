import hydra
from hydra.utils import instantiate

@hydra.main(config_path="../conf", config_name="main", version_base="1.3")
def main(cfg):
    extra = {"vocabulary": 3}
    model = instantiate(cfg.model, **extra)
    optimizer = instantiate(cfg.optimizer, params=model.parameters())
    return instantiate(cfg.data)
