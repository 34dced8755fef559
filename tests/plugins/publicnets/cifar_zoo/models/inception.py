import torch
import torch.nn as nn


class Inception(nn.Module):
    def __init__(self, in_planes, n1x1, n3x3, n5x5, pool):
        super(Inception, self).__init__()
        self.b1 = nn.Conv2d(in_planes, n1x1, 1)
        self.b2 = nn.Conv2d(in_planes, n3x3, 3, padding=1)
        self.b3 = nn.Conv2d(in_planes, n5x5, 5, padding=2)
        self.b4 = nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), nn.Conv2d(in_planes, pool, 1))

    def forward(self, x):
        return torch.cat([self.b1(x), self.b2(x), self.b3(x), self.b4(x)], 1)


class MiniInception(nn.Module):
    def __init__(self, num_classes=10):
        super(MiniInception, self).__init__()
        self.pre = nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1), nn.BatchNorm2d(16), nn.ReLU(True))
        self.a = Inception(16, 8, 8, 8, 8)
        self.avgpool = nn.AvgPool2d(16, stride=1)
        self.linear = nn.Linear(32, num_classes)

    def forward(self, x):
        out = self.avgpool(self.a(self.pre(x)).relu())
        out = out.view(out.size(0), -1)
        return self.linear(out)
