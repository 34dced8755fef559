"""Habits of networks that were written for one script, each in the smallest network that has it."""

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations

STEP = 0


class Small(nn.Module):
    """Two convolutions and a linear layer."""

    input_shape = (3, 32, 32)

    def __init__(self, num_classes):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 2, 1)
        self.conv2 = nn.Conv2d(16, 16, 3, 2, 1)
        self.fc = nn.Linear(16, num_classes)

    def features(self, x):
        return F.relu(self.conv2(F.relu(self.conv1(x)))).mean((2, 3))

    def forward(self, x):
        return self.fc(self.features(x))


class CudaInit(Small):
    """.cuda() in the constructor."""

    def __init__(self, num_classes):
        super().__init__(num_classes)
        self.fc = self.fc.cuda()


class CudaForward(Small):
    """.cuda() in forward."""

    def forward(self, x):
        return self.fc(self.features(x.cuda()))


class Global(Small):
    """A counter in the module, by which answers change."""

    def forward(self, x):
        global STEP
        STEP += 1
        return super().forward(x) * (1 + 0.01 * (STEP % 7))


class HiddenBuffer(Small):
    """A random buffer that is not saved."""

    def __init__(self, num_classes):
        super().__init__(num_classes)
        self.register_buffer("noise", torch.randn(16), persistent=False)

    def forward(self, x):
        return self.fc(self.features(x) * self.noise)


class PlainTensor(Small):
    """A random tensor that is no buffer at all."""

    def __init__(self, num_classes):
        super().__init__(num_classes)
        self.mask = (torch.rand(16) > 0.5).float()

    def forward(self, x):
        return self.fc(self.features(x) * self.mask)


class Tied(Small):
    """One layer under two names, and a weight that two layers share."""

    def __init__(self, num_classes):
        super().__init__(num_classes)
        self.again = self.conv2
        self.other = nn.Conv2d(16, 16, 3, 1, 1)
        self.other.weight = self.conv2.weight

    def features(self, x):
        return self.other(self.again(F.relu(self.conv2(F.relu(self.conv1(x)))))).mean((2, 3))


class Normed(Small):
    """Spectral and weight normalisation, of the new kind and the old."""

    def __init__(self, num_classes):
        super().__init__(num_classes)
        self.conv1 = nn.utils.spectral_norm(self.conv1)
        self.conv2 = parametrizations.weight_norm(self.conv2)
        self.wide = parametrizations.spectral_norm(nn.Linear(16 * 64, 64))
        self.fc = nn.Linear(64, num_classes)

    def features(self, x):
        x = F.relu(self.conv2(F.relu(self.conv1(x))))
        return 8 * F.relu(self.wide(x.flatten(1)))


class OldWeightNorm(Small):
    """Weight normalisation of the old kind, whose copies torch refuses."""

    def __init__(self, num_classes):
        super().__init__(num_classes)
        self.conv2 = nn.utils.weight_norm(self.conv2)


class Swish(torch.autograd.Function):
    @staticmethod
    def forward(ctx, i):
        ctx.save_for_backward(i)
        return i * torch.sigmoid(i)

    @staticmethod
    def backward(ctx, grad_output):
        (i,) = ctx.saved_tensors
        s = torch.sigmoid(i)
        return grad_output * (s * (1 + i * (1 - s)))


class MemoryEfficientSwish(Small):
    """Its own function of autograd."""

    def features(self, x):
        return Swish.apply(self.conv2(Swish.apply(self.conv1(x)))).mean((2, 3))


class Half(Small):
    """Parameters of half precision."""

    def __init__(self, num_classes):
        super().__init__(num_classes)
        self.half()

    def forward(self, x):
        return super().forward(x.half())


def parallel(num_classes):
    """Wrapped for several GPUs."""
    return nn.DataParallel(Small(num_classes))


class NoGrad(Small):
    """It was decorated for inference."""

    @torch.no_grad()
    def forward(self, x):
        return super().forward(x)


class Detached(Small):
    """Features are detached, and the head is not."""

    def forward(self, x):
        return self.fc(self.features(x).detach())


class InPlace(Small):
    """It renormalises its weights in forward."""

    def forward(self, x):
        with torch.no_grad():
            self.fc.weight.renorm_(2, 0, 1.0)
        return super().forward(x)


class InForward(Small):
    """It makes its last layer when it sees the first images."""

    def __init__(self, num_classes):
        super().__init__(num_classes)
        self.num_classes, self.fc = num_classes, None

    def forward(self, x):
        x = self.features(x)
        if self.fc is None:
            self.fc = nn.Linear(x.shape[1], self.num_classes)
        return self.fc(x)


class Transposed(Small):
    """A parameter that is not contiguous."""

    def __init__(self, num_classes):
        super().__init__(num_classes)
        del self.fc
        self.matrix = nn.Parameter(torch.randn(num_classes, 16).t())

    def forward(self, x):
        return self.features(x) @ self.matrix


class TrainShape(Small):
    """Another shape in training: one output for each pixel."""

    def forward(self, x):
        if self.training:
            x = F.relu(self.conv2(F.relu(self.conv1(x))))
            return self.fc(x.permute(0, 2, 3, 1))
        return super().forward(x)


class MCDropout(Small):
    """The mean of samples with dropout on, in evaluation too."""

    def forward(self, x):
        x = self.features(x)
        return torch.stack([self.fc(F.dropout(x, 0.3, True)) for _ in range(4)]).mean(0)


class FrozenEval(Small):
    """Batch normalisation that never leaves training mode."""

    def __init__(self, num_classes):
        super().__init__(num_classes)
        self.bn = nn.BatchNorm1d(16)

    def train(self, mode=True):
        return super().train(True)

    def forward(self, x):
        return self.fc(self.bn(self.features(x)))


class BatchMean(Small):
    """Features are centred by the mean of the batch."""

    def features(self, x):
        x = super().features(x)
        return x - x.mean(0)


class ChannelsLast(nn.Module):
    """The manner of Keras: (N, H, W, C)."""

    input_shape = (32, 32, 3)

    def __init__(self, num_classes):
        super().__init__()
        self.dense = nn.Linear(3, 8)
        self.head = nn.Linear(8 * 32 * 32, num_classes)

    def forward(self, x):
        n, h, w, c = x.shape
        return self.head(F.relu(self.dense(x)).reshape(n, -1))


class Permuted(nn.Module):
    """Channels first without, last within."""

    input_shape = (3, 32, 32)

    def __init__(self, num_classes):
        super().__init__()
        self.dense = nn.Linear(3, 8)
        self.norm = nn.LayerNorm(8)
        self.head = nn.Linear(8 * 32 * 32, num_classes)

    def forward(self, x):
        x = self.norm(self.dense(x.permute(0, 2, 3, 1)))
        return self.head(x.view(x.size(0), -1))


class FourChannels(Small):
    """Colour and depth."""

    input_shape = (4, 32, 32)

    def __init__(self, num_classes):
        super().__init__(num_classes)
        self.conv1 = nn.Conv2d(4, 16, 3, 2, 1)


class Lazy(nn.Sequential):
    """Layers that learn their sizes from the first images."""

    input_shape = (3, 32, 32)

    def __init__(self, num_classes):
        super().__init__(nn.LazyConv2d(8, 3, 2), nn.ReLU(), nn.Flatten(), nn.LazyLinear(num_classes))


class LazyTried(Lazy):
    """The same, called once on zeros."""

    def __init__(self, num_classes):
        super().__init__(num_classes)
        self(torch.zeros(1, 3, 32, 32))


def scripted(num_classes):
    """A scripted module."""
    return torch.jit.script(Small(num_classes))


class Complex(Small):
    """A filter in the frequencies, of complex numbers."""

    def __init__(self, num_classes):
        super().__init__(num_classes)
        self.filter = nn.Parameter(torch.randn(3, 32, 17, dtype=torch.cfloat) * 0.02)

    def forward(self, x):
        x = torch.fft.irfft2(torch.fft.rfft2(x) * self.filter, s=(32, 32))
        return super().forward(x)


class Integer(Small):
    """A table of integers as a parameter."""

    def __init__(self, num_classes):
        super().__init__(num_classes)
        self.index = nn.Parameter(torch.randperm(16), requires_grad=False)

    def forward(self, x):
        return self.fc(self.features(x)[:, self.index])


class Quantised(Small):
    """The last layer of eight bits."""

    def __init__(self, num_classes):
        super().__init__(num_classes)
        self.fc = torch.ao.nn.quantized.dynamic.Linear(16, num_classes)


class OneByOne(Small):
    """A loop over the pictures, as .item() and indices make it."""

    def forward(self, x):
        rows = []
        for i in range(x.size(0)):
            one = self.features(x[i : i + 1])
            rows.append(self.fc(one * (8 / max(one.norm().item(), 1e-6))))
        return torch.cat(rows)


class Squeezed(Small):
    """`squeeze` without an axis: one picture has no batch any more."""

    def forward(self, x):
        x = F.relu(self.conv2(F.relu(self.conv1(x))))
        return self.fc(F.adaptive_avg_pool2d(x, 1).squeeze())


class NumPy(Small):
    """A detour by NumPy."""

    def forward(self, x):
        mean = x.detach().cpu().numpy().mean(axis=(2, 3), keepdims=True)
        return super().forward(x - torch.from_numpy(mean))


class ExtraState(Small):
    """A dictionary in its state, which is no tensor."""

    def get_extra_state(self):
        return {"version": 2}

    def set_extra_state(self, state):
        assert state["version"] == 2


class Uint8(Small):
    """Asserts on pictures of 0 to 255."""

    def forward(self, x):
        assert x.dtype == torch.uint8, "expects uint8 images"
        return super().forward(x.float() / 255)


parallel.input_shape = scripted.input_shape = (3, 32, 32)
