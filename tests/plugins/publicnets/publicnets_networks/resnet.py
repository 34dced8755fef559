"""ResNet for CIFAR, with and without pre-activation, wider, grouped, and with excitation."""

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.nn.init as init


def _weights_init(m):
    if isinstance(m, (nn.Linear, nn.Conv2d)):
        init.kaiming_normal_(m.weight)


class LambdaLayer(nn.Module):
    def __init__(self, lambd):
        super().__init__()
        self.lambd = lambd

    def forward(self, x):
        return self.lambd(x)


class BasicBlock(nn.Module):
    def __init__(self, in_planes, planes, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_planes, planes, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.shortcut = nn.Sequential()
        if stride != 1 or in_planes != planes:
            # parameter-free: every second pixel, and channels of zeros
            self.shortcut = LambdaLayer(
                lambda x: F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, planes // 4, planes // 4))
            )

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += self.shortcut(x)
        return F.relu(out)


class ResNetCifar(nn.Module):
    def __init__(self, block, num_blocks, num_classes=10):
        super().__init__()
        self.in_planes = 8
        self.conv1 = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.layer1 = self._make_layer(block, 8, num_blocks, 1)
        self.layer2 = self._make_layer(block, 16, num_blocks, 2)
        self.layer3 = self._make_layer(block, 32, num_blocks, 2)
        self.linear = nn.Linear(32, num_classes)
        self.apply(_weights_init)

    def _make_layer(self, block, planes, num_blocks, stride):
        layers = []
        for each in [stride] + [1] * (num_blocks - 1):
            layers.append(block(self.in_planes, planes, each))
            self.in_planes = planes
        return nn.Sequential(*layers)

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.layer3(self.layer2(self.layer1(out)))
        out = F.avg_pool2d(out, out.size()[3])
        out = out.view(out.size(0), -1)
        return self.linear(out)


def resnet8(num_classes=10):
    return ResNetCifar(BasicBlock, 1, num_classes)


class PreActBlock(nn.Module):
    """Normalisation first; excitation, groups and dropout as asked for."""

    def __init__(self, in_planes, planes, stride=1, groups=1, drop=0.0, squeeze=False):
        super().__init__()
        self.drop = drop
        self.bn1 = nn.BatchNorm2d(in_planes)
        self.conv1 = nn.Conv2d(in_planes, planes, 3, stride, 1, groups=groups, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
        if stride != 1 or in_planes != planes:
            self.shortcut = nn.Conv2d(in_planes, planes, 1, stride, bias=False)
        if squeeze:
            self.fc1 = nn.Conv2d(planes, planes // 4, 1)
            self.fc2 = nn.Conv2d(planes // 4, planes, 1)

    def forward(self, x):
        out = F.relu(self.bn1(x))
        shortcut = self.shortcut(out) if hasattr(self, "shortcut") else x
        out = F.relu(self.bn2(self.conv1(out)))
        if self.drop > 0:
            out = F.dropout(out, p=self.drop, training=self.training)
        out = self.conv2(out)
        if hasattr(self, "fc1"):
            w = F.avg_pool2d(out, out.size(2))
            w = torch.sigmoid(self.fc2(F.relu(self.fc1(w))))
            out = out * w
        out += shortcut
        return out


class PreActNet(nn.Module):
    def __init__(self, num_classes=10, widen=1, **block):
        super().__init__()
        w = 8 * widen
        self.conv1 = nn.Conv2d(3, w, 3, padding=1, bias=False)
        self.layer1 = PreActBlock(w, w, **block)
        self.layer2 = PreActBlock(w, 2 * w, 2, **block)
        self.layer3 = PreActBlock(2 * w, 4 * w, 2, **block)
        self.bn = nn.BatchNorm2d(4 * w)
        self.nChannels = 4 * w
        self.fc = nn.Linear(4 * w, num_classes)

    def forward(self, x):
        out = self.layer3(self.layer2(self.layer1(self.conv1(x))))
        out = F.relu(self.bn(out))
        out = F.avg_pool2d(out, 8)
        return self.fc(out.view(-1, self.nChannels))


def preact(num_classes):
    return PreActNet(num_classes)


def wide(num_classes):
    return PreActNet(num_classes, widen=2, drop=0.3)


def resnext(num_classes):
    return PreActNet(num_classes, groups=4)


def senet(num_classes):
    return PreActNet(num_classes, squeeze=True)
