"""DenseNet with checkpoints, Highway, Network in Network, FractalNet, capsules and more."""

import math
import random
from collections import OrderedDict

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.utils.checkpoint as cp


class _DenseLayer(nn.Module):
    def __init__(self, num_input_features, growth_rate, efficient):
        super(_DenseLayer, self).__init__()
        self.add_module("norm", nn.BatchNorm2d(num_input_features))
        self.add_module("conv", nn.Conv2d(num_input_features, growth_rate, 3, padding=1, bias=False))
        self.efficient = efficient

    def forward(self, *prev_features):
        def bottleneck(*inputs):
            return self.conv(F.relu(self.norm(torch.cat(inputs, 1))))

        if self.efficient and any(each.requires_grad for each in prev_features):
            return cp.checkpoint(bottleneck, *prev_features, use_reentrant=True)
        return bottleneck(*prev_features)


class DenseNet(nn.Module):
    def __init__(self, growth_rate=8, layers=3, num_classes=10, efficient=True):
        super(DenseNet, self).__init__()
        self.features = nn.Sequential(OrderedDict([("conv0", nn.Conv2d(3, 16, 3, 2, 1, bias=False))]))
        self.block = nn.ModuleList(
            _DenseLayer(16 + i * growth_rate, growth_rate, efficient) for i in range(layers)
        )
        self.norm_final = nn.BatchNorm2d(16 + layers * growth_rate)
        self.classifier = nn.Linear(16 + layers * growth_rate, num_classes)

    def forward(self, x):
        features = [self.features(x)]
        for layer in self.block:
            features.append(layer(*features))
        out = F.relu(self.norm_final(torch.cat(features, 1)), inplace=True)
        out = F.adaptive_avg_pool2d(out, (1, 1))
        return self.classifier(torch.flatten(out, 1))


class Highway(nn.Module):
    def __init__(self, num_classes, size=48, num_layers=3):
        super(Highway, self).__init__()
        self.project = nn.Linear(28 * 28, size)
        self.nonlinear = nn.ModuleList([nn.Linear(size, size) for _ in range(num_layers)])
        self.gate = nn.ModuleList([nn.Linear(size, size) for _ in range(num_layers)])
        self.out = nn.Linear(size, num_classes)
        for each in self.gate:
            each.bias.data.fill_(-1.0)

    def forward(self, x):
        x = self.project(x.view(-1, 28 * 28))
        for h, t in zip(self.nonlinear, self.gate):
            g = torch.sigmoid(t(x))
            x = g * F.relu(h(x)) + (1 - g) * x
        return self.out(x)


class NIN(nn.Module):
    def __init__(self, num_classes=10):
        super(NIN, self).__init__()
        self.classifer = nn.Sequential(
            nn.Conv2d(3, 24, kernel_size=5, stride=1, padding=2), nn.ReLU(inplace=True),
            nn.Conv2d(24, 16, kernel_size=1), nn.ReLU(inplace=True),
            nn.MaxPool2d(kernel_size=3, stride=2, padding=1), nn.Dropout(0.5),
            nn.Conv2d(16, 24, kernel_size=3, stride=1, padding=1), nn.ReLU(inplace=True),
            nn.Conv2d(24, num_classes, kernel_size=1),
            nn.AvgPool2d(kernel_size=16, stride=1, padding=0),
        )
        self.num_classes = num_classes

    def forward(self, x):
        x = self.classifer(x)
        return x.view(x.size(0), self.num_classes)


class FractalBlock(nn.Module):
    """Columns that are joined by their mean; in training, columns are dropped by Python's chance."""

    def __init__(self, planes, columns=2):
        super().__init__()
        conv = lambda: nn.Sequential(
            nn.Conv2d(planes, planes, 3, padding=1), nn.BatchNorm2d(planes), nn.ReLU()
        )
        self.columns = nn.ModuleList(
            nn.Sequential(*[conv() for _ in range(2**i)]) for i in range(columns)
        )

    def forward(self, x):
        kept = [c for c in self.columns if not self.training or random.random() > 0.15]
        outs = [column(x) for column in kept or [self.columns[0]]]
        return torch.stack(outs).mean(0)


class FractalNet(nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.conv = nn.Conv2d(3, 16, 3, 2, 1)
        self.block1, self.block2 = FractalBlock(16), FractalBlock(16)
        self.fc = nn.Linear(16 * 4 * 4, num_classes)

    def forward(self, x):
        x = F.max_pool2d(self.block1(self.conv(x)), 2)
        x = F.max_pool2d(self.block2(x), 2)
        return self.fc(x.view(x.size(0), -1))


class StochasticDepth(nn.Module):
    """A whole block is skipped in training, with a probability that grows with depth."""

    def __init__(self, num_classes, depth=4, last=0.5):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1), nn.BatchNorm2d(16))
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.Conv2d(16, 16, 3, 1, 1), nn.BatchNorm2d(16)) for _ in range(depth)
        )
        self.keep = [1 - (i + 1) / depth * (1 - last) for i in range(depth)]
        self.fc = nn.Linear(16, num_classes)

    def forward(self, x):
        x = F.relu(self.stem(x))
        for block, keep in zip(self.blocks, self.keep):
            if self.training:
                if torch.bernoulli(torch.tensor(keep)).item() == 1:
                    x = F.relu(x + block(x))
            else:
                x = F.relu(x + keep * block(x))
        return self.fc(F.avg_pool2d(x, 16).squeeze(3).squeeze(2))


def squash(x, dim=-1):
    squared = (x**2).sum(dim=dim, keepdim=True)
    return squared / (1 + squared) / (squared.sqrt() + 1e-8) * x


class CapsNet(nn.Module):
    """Lengths of capsules, between 0 and 1, as the paper gives them."""

    def __init__(self, num_classes, routing=2):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 9, stride=2)
        self.primary = nn.Conv2d(16, 16, 5, stride=2)
        self.W = nn.Parameter(0.1 * torch.randn(1, 2 * 9, num_classes, 8, 8))
        self.routing = routing

    def forward(self, x):
        u = self.primary(F.relu(self.conv1(x)))  # (N, 16, 3, 3)
        u = squash(u.view(u.size(0), 2, 8, -1).transpose(2, 3).contiguous().view(u.size(0), -1, 8))
        u_hat = torch.matmul(self.W, u[:, :, None, :, None]).squeeze(-1)
        b = torch.zeros(*u_hat.shape[:3], 1, device=x.device)
        for _ in range(self.routing):
            v = squash((b.softmax(dim=2) * u_hat).sum(dim=1, keepdim=True))
            b = b + (u_hat * v).sum(dim=-1, keepdim=True)
        return v.squeeze(1).norm(dim=-1)


class RepVGGBlock(nn.Module):
    """Three branches in training; one convolution after `switch_to_deploy`."""

    def __init__(self, planes):
        super().__init__()
        self.rbr_identity = nn.BatchNorm2d(planes)
        self.rbr_dense = nn.Sequential(nn.Conv2d(planes, planes, 3, 1, 1, bias=False), nn.BatchNorm2d(planes))
        self.rbr_1x1 = nn.Sequential(nn.Conv2d(planes, planes, 1, bias=False), nn.BatchNorm2d(planes))

    def forward(self, inputs):
        if hasattr(self, "rbr_reparam"):
            return F.relu(self.rbr_reparam(inputs))
        return F.relu(self.rbr_dense(inputs) + self.rbr_1x1(inputs) + self.rbr_identity(inputs))

    def _fuse(self, kernel, bn):
        t = (bn.weight / (bn.running_var + bn.eps).sqrt()).reshape(-1, 1, 1, 1)
        return kernel * t, bn.bias - bn.running_mean * t.flatten()

    def switch_to_deploy(self):
        planes = self.rbr_identity.num_features
        eye = F.pad(torch.eye(planes)[:, :, None, None], [1, 1, 1, 1])
        parts = [
            self._fuse(self.rbr_dense[0].weight, self.rbr_dense[1]),
            self._fuse(F.pad(self.rbr_1x1[0].weight, [1, 1, 1, 1]), self.rbr_1x1[1]),
            self._fuse(eye, self.rbr_identity),
        ]
        self.rbr_reparam = nn.Conv2d(planes, planes, 3, 1, 1)
        self.rbr_reparam.weight.data = sum(p[0] for p in parts).detach()
        self.rbr_reparam.bias.data = sum(p[1] for p in parts).detach()
        for name in ("rbr_dense", "rbr_1x1", "rbr_identity"):
            self.__delattr__(name)


class RepVGG(nn.Module):
    """Whoever evaluates it in training's form gets it; `eval` reparametrises, once and for ever."""

    def __init__(self, num_classes, deploy_in_eval=False):
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, 2, 1)
        self.stages = nn.Sequential(RepVGGBlock(16), nn.MaxPool2d(2), RepVGGBlock(16))
        self.gap = nn.AdaptiveAvgPool2d(output_size=1)
        self.linear = nn.Linear(16, num_classes)
        self.deploy_in_eval = deploy_in_eval

    def train(self, mode=True):
        if not mode and self.deploy_in_eval:
            for each in self.modules():
                if hasattr(each, "switch_to_deploy") and hasattr(each, "rbr_dense"):
                    each.switch_to_deploy()
        return super().train(mode)

    def forward(self, x):
        out = self.gap(self.stages(self.stem(x)))
        out = out.view(out.size(0), -1)
        return self.linear(out)
