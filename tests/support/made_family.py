"""A family of networks, made for tests: one that is fine, and some that can't be compared."""

from torch import nn

from registry import Described, Family, Normalization, UnsuitableError

MADE = Family(
    name="made", members="made_family:members", describe="made_family:describe", distribution="pip"
)
GONE = Family(name="gone", members="nobody:has", describe="nobody:has", distribution="nobody")
MEMBERS = {"good": "Good", "tuple": "Tuple", "moody": "Moody", "fixed": "Fixed", "crash": "Crash"}


def members():
    return list(MEMBERS)


def describe(member):
    if member == "hopeless":
        raise UnsuitableError("made:hopeless answers in verse")
    if member == "nonsense":
        return "not a description"
    if member not in MEMBERS:
        return None
    return Described(
        constructor=f"made_family:{MEMBERS[member]}",
        input_shape=(3, 8, 8),
        arguments=(("width", 4),),
        normalization=Normalization(mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25)),
        weights="v1" if member == "good" else "",
    )


class Good(nn.Module):
    def __init__(self, *, num_classes, width, pretrained=False, frozen=False):
        super().__init__()
        self.body, self.head = nn.Conv2d(3, width, 3), nn.Linear(width, num_classes)
        self.pretrained, self.frozen = pretrained, frozen

    def forward(self, images):
        return self.head(self.body(images).mean((2, 3)))


class Tuple(Good):
    def forward(self, images):
        return super().forward(images), None


class Moody(Good):
    def forward(self, images):
        answer = super().forward(images)
        return (answer, answer) if self.training else answer


class Fixed(Good):
    def __init__(self, *, num_classes, **rest):
        super().__init__(num_classes=1000, **rest)


class Crash(Good):
    def __init__(self, **_):
        raise SystemExit(3)
