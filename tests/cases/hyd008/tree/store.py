from hydra.core.config_store import ConfigStore
ConfigStore.instance().store(group="stored", name="registered", node=dict)
