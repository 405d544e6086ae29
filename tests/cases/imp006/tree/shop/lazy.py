def go():
    import wandb
