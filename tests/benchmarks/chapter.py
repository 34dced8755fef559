"""The chapter's procedure as one plain script: what a reader of the book would run.

    python chapter.py lenet FOLDER [--epochs 10]

Pillow, torchvision's transforms, a DataLoader with its defaults, and torch's defaults. Nothing of
`bench` is used, so that it is a reference; the network is the one that the registry names.
"""

from __future__ import annotations

import argparse
import copy
import csv
import random
import time
from pathlib import Path

import torch
from PIL import Image
from torch import nn, optim
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

import registry

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Transform:
    """The chapter's transforms: one chain to train, one to validate."""

    def __init__(self, size: int) -> None:
        tail = [transforms.ToTensor(), transforms.Normalize(MEAN, STD)]
        self.chains = {
            "train": transforms.Compose(
                [
                    transforms.RandomResizedCrop(size, scale=(0.5, 1.0)),
                    transforms.RandomHorizontalFlip(),
                    *tail,
                ]
            ),
            "val": transforms.Compose([transforms.Resize(256), transforms.CenterCrop(size), *tail]),
        }

    def __call__(self, image: Image.Image, phase: str) -> torch.Tensor:
        """Return `image` (C, H, W), transformed for `phase`."""
        return self.chains[phase](image)


class Photographs(Dataset):
    """Opens an image at every access, as the chapter does."""

    def __init__(self, paths: list[Path], transform: Transform, phase: str) -> None:
        self.paths, self.transform, self.phase = paths, transform, phase

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        """Return the image (C, H, W) and its label, 1 for a dog."""
        path = self.paths[index]
        image = Image.open(path).convert("RGB")
        return self.transform(image, self.phase), int(path.name.startswith("dog"))


def split(folder: Path) -> dict[str, list[Path]]:
    """Return the chapter's 400 to train, 92 to validate, 10 to test."""
    paths = sorted(folder.glob("Cat/*.jpg")) + sorted(folder.glob("Dog/*.jpg"))
    random.seed(42)
    random.shuffle(paths)
    return {"train": paths[:400], "val": paths[400:-10], "test": paths[-10:]}


def train(
    network: nn.Module, loaders: dict[str, DataLoader], device: torch.device, epochs: int
) -> nn.Module:
    """Return the network after training, with the weights of its best epoch."""
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.SGD(network.parameters(), lr=0.001, momentum=0.9)
    network.to(device)
    criterion.to(device)
    best, best_accuracy = network.state_dict(), 0.0
    for epoch in range(epochs):
        for phase in ("train", "val"):
            network.train(phase == "train")
            loss_sum, correct = 0.0, 0
            for inputs, labels in loaders[phase]:
                inputs, labels = inputs.to(device), labels.to(device)
                optimizer.zero_grad()
                with torch.set_grad_enabled(phase == "train"):
                    outputs = network(inputs)
                    loss = criterion(outputs, labels)
                    if phase == "train":
                        loss.backward()
                        optimizer.step()
                loss_sum += loss.item() * len(inputs)
                correct += int((outputs.argmax(1) == labels).sum())
            images = len(loaders[phase].dataset)
            print(f"{epoch + 1}/{epochs} {phase}: {loss_sum / images:.4f} {correct / images:.4f}")
            if phase == "val" and correct / images > best_accuracy:
                best_accuracy, best = correct / images, copy.deepcopy(network.state_dict())
    network.load_state_dict(best)
    return network


def predict(network: nn.Module, paths: list[Path], transform: Transform, out: Path) -> None:
    """Write the probability of a dog for each test image, as the chapter's CSV has it."""
    network.eval()
    rows = []
    with torch.no_grad():
        for path in paths:
            image = transform(Image.open(path).convert("RGB"), "val").unsqueeze(0)
            rows.append((path.stem.split(".")[1], network(image).softmax(1)[0, 1].item()))
    with out.open("w", newline="") as file:
        csv.writer(file).writerows([("id", "label"), *rows])


def main() -> None:
    """Train and test one network."""
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--out", type=Path, default=Path("submission.csv"))
    wanted = parser.parse_args()
    architecture = registry.get(wanted.model)
    parts = split(wanted.folder)
    transform = Transform(architecture.contract.input_shape[-1])
    loaders = {
        phase: DataLoader(Photographs(parts[phase], transform, phase), batch_size=32, shuffle=True)
        for phase in ("train", "val")
    }
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    started = time.time()
    torch.manual_seed(0)
    network = train(architecture.build(num_classes=2), loaders, device, wanted.epochs)
    predict(network.cpu(), parts["test"], transform, wanted.out)
    print(f"{time.time() - started:.1f} s")


if __name__ == "__main__":
    main()
