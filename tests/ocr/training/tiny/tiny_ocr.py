"""A module and data set small enough to train in a second, with the shape of the real ones."""

import torch
from lightning.pytorch import LightningDataModule, LightningModule
from torch import nn
from torch.utils.data import DataLoader, Dataset


class TinyNetwork(nn.Module):
    def __init__(self, *, width):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Linear(width, 1))

    def forward(self, x):
        return self.layers(x)


class TinyModule(LightningModule):
    def __init__(self, *, network, loss, preprocess, postprocess, optimizer, scheduler):
        super().__init__()
        self.network = network
        self.loss = loss
        self.optimizer, self.scheduler = optimizer, scheduler

    def training_step(self, batch, batch_idx):
        loss = self.loss(self.network(batch["x"]).squeeze(1), batch["y"])
        self.log("train/loss", loss)
        return loss

    def validation_step(self, batch, batch_idx):
        error = self.loss(self.network(batch["x"]).squeeze(1), batch["y"])
        self.log("val/hmean", 1 / (1 + error), batch_size=len(batch["x"]))

    def configure_optimizers(self):
        optimizer = self.optimizer(self.parameters())
        if self.scheduler is None:
            return optimizer
        scheduler = self.scheduler(optimizer, int(self.trainer.estimated_stepping_batches))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}


class TinyRows(Dataset):
    def __init__(self, n, seed, spoiled):
        draw = torch.Generator().manual_seed(seed)
        self.x = torch.randn(n, 4, generator=draw)
        self.y = self.x.sum(1)
        for row in spoiled:
            self.y[row] = float("nan")

    def __len__(self):
        return len(self.x)

    def __getitem__(self, row):
        return {"x": self.x[row], "y": self.y[row], "names": f"row-{row}"}


class TinyData(LightningDataModule):
    def __init__(self, *, rows, batch_size, spoiled):
        super().__init__()
        self.rows, self.batch_size, self.spoiled = rows, batch_size, spoiled

    def train_dataloader(self):
        return DataLoader(TinyRows(self.rows, 1, self.spoiled), self.batch_size, shuffle=True, drop_last=True)

    def val_dataloader(self):
        return DataLoader(TinyRows(16, 2, []), self.batch_size)
