import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    """Log-probabilities of grey digits."""

    input_shape = (1, 28, 28)

    def __init__(self, num_classes=10):
        super(Net, self).__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, 1)
        self.conv2 = nn.Conv2d(8, 16, 3, 1)
        self.dropout1 = nn.Dropout(0.25)
        self.dropout2 = nn.Dropout(0.5)
        self.fc1 = nn.Linear(16 * 144, 32)
        self.fc2 = nn.Linear(32, num_classes)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        x = F.relu(self.conv2(x))
        x = F.max_pool2d(x, 2)
        x = self.dropout1(x)
        x = x.view(-1, 2304)
        x = F.relu(self.fc1(x))
        x = self.dropout2(x)
        x = self.fc2(x)
        return F.log_softmax(x, dim=1)


class OldNet(nn.Module):
    """Ten digits, whatever is asked for; dropout stays on."""

    input_shape = (1, 28, 28)

    def __init__(self):
        super(OldNet, self).__init__()
        self.conv1 = nn.Conv2d(1, 10, kernel_size=5)
        self.conv2_drop = nn.Dropout2d()
        self.fc1 = nn.Linear(1440, 10)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.conv2_drop(self.conv1(x)), 2))
        x = x.view(-1, 1440)
        x = F.dropout(self.fc1(x))
        return F.log_softmax(x)


class DropNet(Net):
    """F.dropout without `training=`: it is on in evaluation."""

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv2(F.relu(self.conv1(x)))), 2)
        x = F.relu(self.fc1(F.dropout(x.flatten(1))))
        return self.fc2(F.dropout(x, 0.5))


class SoftmaxNet(Net):
    """Probabilities."""

    def __init__(self, num_classes=10):
        super().__init__(num_classes)
        self.softmax = nn.Softmax(dim=1)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv2(F.relu(self.conv1(x)))), 2)
        return self.softmax(self.fc2(F.relu(self.fc1(x.flatten(1)))))


def main():
    parser = argparse.ArgumentParser(description='PyTorch MNIST Example')
    parser.add_argument('--no-cuda', action='store_true', default=False)
    args = parser.parse_args()
    torch.manual_seed(1)
    print(Net(), args)


if __name__ == '__main__':
    main()
