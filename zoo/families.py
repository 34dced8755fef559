"""Families of architectures from other libraries, such as `timm:resnet18`; needs no torch."""

from registry.family import Family

TIMM = Family(
    name="timm",
    members="zoo.family_timm:members",
    describe="zoo.family_timm:describe",
    distribution="timm",
    source="R. Wightman 2019, PyTorch Image Models",
)
TORCHVISION = Family(
    name="torchvision",
    members="zoo.family_torchvision:members",
    describe="zoo.family_torchvision:describe",
    distribution="torchvision",
    source="torchvision.models, the classifiers",
)
