"""The Hydra side of a repository: YAML with positions, config folders, and composition without Hydra."""
