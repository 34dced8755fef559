"""Small networks for phones: separable convolutions, shuffled channels, ghosts, fires."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class MobileBlock(nn.Module):
    def __init__(self, in_planes, out_planes, stride=1):
        super(MobileBlock, self).__init__()
        self.conv1 = nn.Conv2d(in_planes, in_planes, 3, stride, 1, groups=in_planes, bias=False)
        self.bn1 = nn.BatchNorm2d(in_planes)
        self.conv2 = nn.Conv2d(in_planes, out_planes, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_planes)

    def forward(self, x):
        out = F.relu6(self.bn1(self.conv1(x)), inplace=True)
        return F.relu6(self.bn2(self.conv2(out)), inplace=True)


class MobileNet(nn.Module):
    cfg = [16, (32, 2), 32, (64, 2)]

    def __init__(self, num_classes=10):
        super(MobileNet, self).__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 2, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        layers, planes = [], 16
        for x in self.cfg:
            out, stride = (x, 1) if isinstance(x, int) else x
            layers.append(MobileBlock(planes, out, stride))
            planes = out
        self.layers = nn.Sequential(*layers)
        self.linear = nn.Linear(64, num_classes)

    def forward(self, x):
        out = self.layers(F.relu(self.bn1(self.conv1(x))))
        out = out.mean([2, 3])
        return self.linear(out)


class ShuffleBlock(nn.Module):
    def __init__(self, groups):
        super(ShuffleBlock, self).__init__()
        self.groups = groups

    def forward(self, x):
        """[N,C,H,W] -> [N,g,C/g,H,W] -> [N,C/g,g,H,W] -> [N,C,H,W]"""
        N, C, H, W = x.size()
        g = self.groups
        return x.view(N, g, C // g, H, W).permute(0, 2, 1, 3, 4).reshape(N, C, H, W)


class ShuffleNet(nn.Module):
    def __init__(self, num_classes=10):
        super(ShuffleNet, self).__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 24, 3, 2, 1), nn.BatchNorm2d(24), nn.ReLU(True))
        self.body = nn.Sequential(
            nn.Conv2d(24, 24, 1, groups=3), nn.BatchNorm2d(24), nn.ReLU(True), ShuffleBlock(3),
            nn.Conv2d(24, 24, 3, 2, 1, groups=24), nn.BatchNorm2d(24),
            nn.Conv2d(24, 48, 1, groups=3), nn.BatchNorm2d(48), nn.ReLU(True), ShuffleBlock(3),
        )
        self.classifier = nn.Linear(48, num_classes)

    def forward(self, x):
        x = self.body(self.stem(x))
        x = F.adaptive_avg_pool2d(x, 1)
        x = x.view(x.shape[0], -1)
        return self.classifier(x)


class GhostModule(nn.Module):
    def __init__(self, inp, oup):
        super(GhostModule, self).__init__()
        self.oup = oup
        self.primary_conv = nn.Sequential(
            nn.Conv2d(inp, oup // 2, 1, bias=False), nn.BatchNorm2d(oup // 2), nn.ReLU(inplace=True)
        )
        self.cheap_operation = nn.Sequential(
            nn.Conv2d(oup // 2, oup // 2, 3, 1, 1, groups=oup // 2, bias=False),
            nn.BatchNorm2d(oup // 2),
            nn.ReLU(inplace=True),
        )

    def forward(self, x):
        x1 = self.primary_conv(x)
        return torch.cat([x1, self.cheap_operation(x1)], dim=1)[:, : self.oup, :, :]


class GhostNet(nn.Module):
    def __init__(self, num_classes=1000, dropout=0.2):
        super(GhostNet, self).__init__()
        self.stem = nn.Conv2d(3, 16, 3, 2, 1, bias=False)
        self.blocks = nn.Sequential(GhostModule(16, 32), nn.MaxPool2d(2), GhostModule(32, 64))
        self.global_pool = nn.AdaptiveAvgPool2d((1, 1))
        self.dropout = dropout
        self.classifier = nn.Linear(64, num_classes)

    def forward(self, x):
        x = self.global_pool(self.blocks(self.stem(x)))
        x = x.view(x.size(0), -1)
        if self.dropout > 0.:
            x = F.dropout(x, p=self.dropout, training=self.training)
        return self.classifier(x)


class Fire(nn.Module):
    def __init__(self, inplanes, squeeze, expand):
        super(Fire, self).__init__()
        self.squeeze = nn.Conv2d(inplanes, squeeze, 1)
        self.expand1x1 = nn.Conv2d(squeeze, expand, 1)
        self.expand3x3 = nn.Conv2d(squeeze, expand, 3, padding=1)

    def forward(self, x):
        x = F.relu(self.squeeze(x))
        return torch.cat([F.relu(self.expand1x1(x)), F.relu(self.expand3x3(x))], 1)


class SqueezeNet(nn.Module):
    """The classes are maps of a last convolution, which is pooled; no linear layer."""

    def __init__(self, num_classes=1000):
        super(SqueezeNet, self).__init__()
        self.num_classes = num_classes
        self.features = nn.Sequential(
            nn.Conv2d(3, 16, 3, stride=2), nn.ReLU(inplace=True), Fire(16, 8, 16),
            nn.MaxPool2d(3, 2, ceil_mode=True), Fire(32, 8, 32),
        )
        final_conv = nn.Conv2d(64, num_classes, kernel_size=1)
        self.classifier = nn.Sequential(nn.Dropout(0.5), final_conv, nn.AdaptiveAvgPool2d(1))
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                if m is final_conv:
                    nn.init.normal_(m.weight, mean=0.0, std=0.01)
                else:
                    nn.init.kaiming_uniform_(m.weight)

    def forward(self, x):
        x = self.classifier(self.features(x))
        return x.view(x.size(0), self.num_classes)
