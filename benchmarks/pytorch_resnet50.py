"""The same network and recipe in PyTorch, for benchmarks/speed.py.

    python benchmarks/pytorch_resnet50.py data.npz settings.json

Prints a line of JSON per epoch (seconds since the start of training, held-out accuracy in
inference mode), then one with the peak memory. Layers lie in channels_last order; products are in
bfloat16 where the settings say so.
"""

import json
import math
import resource
import sys
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

STAGES = ((64, 256, 1, 3), (128, 512, 2, 4), (256, 1024, 2, 6), (512, 2048, 2, 3))


def convolution(inputs: int, outputs: int, side: int, stride: int = 1, padding: int = 0):
    """Return a convolution as the series has it, Glorot and with biases, and its normalisation."""
    layer = nn.Conv2d(inputs, outputs, side, stride, padding)
    nn.init.xavier_uniform_(layer.weight)
    nn.init.zeros_(layer.bias)
    return nn.Sequential(layer, nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.1))


class Block(nn.Module):
    """A bottleneck block; with `project`, the shortcut has a convolution."""

    def __init__(self, inputs: int, filters: int, outputs: int, stride: int, project: bool):
        """Take the channels and the stride of the first convolution."""
        super().__init__()
        self.main = nn.Sequential(
            convolution(inputs, filters, 1, stride),
            nn.ReLU(),
            convolution(filters, filters, 3, padding=1),
            nn.ReLU(),
            convolution(filters, outputs, 1),
        )
        nn.init.zeros_(self.main[-1][1].weight)  # the block's last gamma
        self.shortcut = convolution(inputs, outputs, 1, stride) if project else nn.Identity()

    def forward(self, X):
        """Add the two paths."""
        return F.relu(self.main(X) + self.shortcut(X))


def resnet50(classes: int = 6) -> nn.Sequential:
    """Return the network of notebook 04, without the softmax."""
    layers = [convolution(3, 64, 7, 2, 3), nn.ReLU(), nn.MaxPool2d(3, 2)]
    inputs = 64
    for filters, outputs, stride, blocks in STAGES:
        for k in range(blocks):
            layers.append(Block(inputs, filters, outputs, stride if k == 0 else 1, k == 0))
            inputs = outputs
    dense = nn.Linear(inputs, classes)
    nn.init.xavier_uniform_(dense.weight)
    nn.init.zeros_(dense.bias)
    return nn.Sequential(*layers, nn.AvgPool2d(2), nn.Flatten(), dense)


def augment(images, recipe: dict):
    """Turn, shift, zoom, lighten and fade, as resnets/training.py does."""
    turn, zoom, right, down, light, contrast = torch.rand(6, len(images)) * 2 - 1
    angle, scale = 2 * math.pi * recipe["rotation"] * turn, 1 + recipe["zoom"] * zoom
    cos, sin = scale * torch.cos(angle), scale * torch.sin(angle)
    shift = 2 * recipe["translation"]  # grid_sample counts from -1 to 1
    moves = torch.stack([cos, -sin, shift * right, sin, cos, shift * down], 1).view(-1, 2, 3)
    grid = F.affine_grid(moves, images.shape, align_corners=False)
    images = F.grid_sample(images, grid, padding_mode="border", align_corners=False)
    mean = images.mean((2, 3), keepdim=True)
    contrast, light = contrast.view(-1, 1, 1, 1), light.view(-1, 1, 1, 1)
    images = mean + (images - mean) * (1 + recipe["contrast"] * contrast)
    return (images + recipe["brightness"] * light).clamp(0, 1)


def main() -> None:
    """Train and report."""
    data = np.load(sys.argv[1])
    with open(sys.argv[2], encoding="utf-8") as file:  # noqa: PTH123
        settings = json.load(file)
    recipe = settings["recipe"]
    torch.manual_seed(settings["seed"])
    order = torch.channels_last
    tensors = {k: torch.from_numpy(data[k]) for k in data.files}
    X, held = (tensors[k].permute(0, 3, 1, 2).float() / 255 for k in ("train_x", "val_x"))
    held = held.contiguous(memory_format=order)
    Y, truth = tensors["train_y"], tensors["val_y"]
    model = resnet50().to(memory_format=order)
    parameters = sum(p.numel() for p in model.parameters())
    assert parameters == 23_546_886, f"{parameters} trainable parameters"

    steps = -(-len(X) // recipe["batch_size"])
    total, warm_up = recipe["epochs"] * steps, round(recipe["warm_up"] * steps)

    def rate(step):
        if step < warm_up:
            return 0.01 + 0.99 * step / warm_up
        return (1 + math.cos(math.pi * (step - warm_up) / (total - warm_up))) / 2

    adam = torch.optim.Adam(model.parameters(), recipe["peak_learning_rate"], eps=1e-7, fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(adam, rate)
    lower = torch.autocast("cpu", torch.bfloat16, enabled=settings["precision"] == "bfloat16")
    start = time.monotonic()
    for _ in range(recipe["epochs"]):
        model.train()
        for indices in torch.randperm(len(X)).split(recipe["batch_size"]):
            batch = augment(X[indices], recipe).contiguous(memory_format=order)
            with lower:
                loss = F.cross_entropy(
                    model(batch), Y[indices], label_smoothing=recipe["label_smoothing"]
                )
            adam.zero_grad()
            loss.backward()
            adam.step()
            schedule.step()
        model.eval()
        with torch.inference_mode(), lower:
            right = (model(held).argmax(1) == truth).float().mean().item()
        seconds = time.monotonic() - start
        print(json.dumps({"seconds": seconds, "val_accuracy": right}), flush=True)
        if right >= settings["target"]:
            break
    print(json.dumps({"peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6}))


if __name__ == "__main__":
    main()
