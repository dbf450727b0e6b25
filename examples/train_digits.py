#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""From a PyTorch network to the accelerator: trains on the handwritten digits, exports ONNX, then checks, evaluates and runs it by ./build.py.

    make train
    .venv/bin/python examples/train_digits.py
"""

import argparse
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np

try:
    import torch
    from torch import nn
except ModuleNotFoundError as error:
    sys.exit(f"error: training needs packages that are not installed ({error}): run `make train`")

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from nets.digits_data import digits  # noqa: E402

SEED = 1


class Residual(nn.Module):
    """Two convolutions with batch norm, and the way around them."""

    def __init__(self, channels):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels), nn.ReLU(),
                                  nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels))

    def forward(self, maps):
        return torch.relu(maps + self.body(maps))


class DigitsNet(nn.Module):
    """A small residual network for images [N, 1, 8, 8]: 28,000 weights, 10 classes."""

    def __init__(self):
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU())
        self.fine = Residual(16)
        self.halve = nn.Sequential(nn.Conv2d(16, 32, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU())
        self.coarse = Residual(32)
        self.mean = nn.AvgPool2d(4)
        self.drop = nn.Dropout(0.2)
        self.scores = nn.Linear(32, 10)

    def forward(self, images):
        maps = self.coarse(self.halve(self.fine(self.first(images))))
        return self.scores(self.drop(self.mean(maps).flatten(1)))


def train(model, images, labels, epochs):
    """Train on float32 images [N, 1, 8, 8] and their labels [N]."""
    optimiser = torch.optim.Adam(model.parameters(), 3e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 1e-2, total_steps=epochs * -(-len(images) // 64))
    for _ in range(epochs):
        for batch in torch.randperm(len(images)).split(64):
            optimiser.zero_grad()
            nn.functional.cross_entropy(model(images[batch]), labels[batch]).backward()
            optimiser.step()
            schedule.step()


def export(model, path):
    """Write the trained model as ONNX, for one image of a fixed size."""
    with warnings.catch_warnings():
        # PyTorch prefers its newer exporter, which needs one package more; both write what is read here.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(model.eval(), torch.zeros(1, 1, 8, 8), str(path), input_names=["image"], output_names=["scores"], dynamo=False)


def main():
    """Do all steps; returns the exit status of the first that fails, else 0."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "train_digits", help="where the model and the images go")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--config", default="arty-35", help="the accelerator's configuration")
    arguments = parser.parse_args()
    folder = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)

    torch.manual_seed(SEED)
    (images, labels), model = digits(held_back=False), DigitsNet()
    train(model, torch.from_numpy(images.transpose(0, 3, 1, 2)), torch.from_numpy(labels), arguments.epochs)
    export(model, folder / "digits.onnx")
    # A set of images is an .npz: x, N x H x W x C, as the network takes them, and y, their classes.
    np.savez(folder / "train.npz", x=images, y=labels)
    np.savez(folder / "test.npz", **dict(zip("xy", digits(held_back=True))))

    common = ["./build.py", "--model", folder / "digits.onnx", "--calibrate", folder / "train.npz"]
    tested = ["--images", folder / "test.npz"]
    for step in (["--check", "--config", arguments.config],
                 [*tested, "--evaluate"],
                 [*tested, "--target", "sim", "--config", arguments.config, "--count", "16", "--run", "--json", folder / "run.json"]):
        command = [str(word) for word in common + step]
        print("$", " ".join(command), flush=True)
        status = subprocess.run(command, cwd=ROOT).returncode
        if status:
            return status
    return 0


if __name__ == "__main__":
    sys.exit(main())
