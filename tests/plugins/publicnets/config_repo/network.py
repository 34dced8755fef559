import torch.nn as nn
import torch.nn.functional as F

from config import get_args


class ArgsNet(nn.Module):
    """Takes what argparse has parsed."""

    input_shape = (3, 16, 16)

    def __init__(self, args):
        super().__init__()
        self.fc1 = nn.Linear(768, args.hidden)
        self.fc2 = nn.Linear(args.hidden, args.nclass)

    def forward(self, x):
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


class NClasses(ArgsNet):
    """Another name for the number of classes."""

    def __init__(self, n_classes=10, hidden=32):
        super().__init__(get_args([f"--nclass={n_classes}", f"--hidden={hidden}"]))


class Classes(ArgsNet):
    """Yet another name, and first a required argument."""

    def __init__(self, in_features, classes):
        super().__init__(get_args([f"--nclass={classes}"]))


class TenClasses(ArgsNet):
    """Takes any arguments, and has ten outputs whatever they are."""

    def __init__(self, **kwargs):
        super().__init__(get_args())


def build_model(num_classes):
    """Reads the command line of the program itself."""
    import argparse

    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    return ArgsNet(parser.parse_args())


build_model.input_shape = (3, 16, 16)
