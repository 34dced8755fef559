from collections import OrderedDict
from dataclasses import dataclass, fields
from typing import Optional

import torch
from torch import nn

from configuration_tinyvit import TinyViTConfig


class ModelOutput(OrderedDict):
    def __post_init__(self):
        for field in fields(self):
            if getattr(self, field.name) is not None:
                self[field.name] = getattr(self, field.name)


@dataclass
class ImageClassifierOutput(ModelOutput):
    loss: Optional[torch.Tensor] = None
    logits: Optional[torch.Tensor] = None


class TinyViTForImageClassification(nn.Module):
    """Takes a configuration object, and returns an object with `logits`."""

    input_shape = (3, 32, 32)

    def __init__(self, config: TinyViTConfig):
        super().__init__()
        self.config = config
        self.embed = nn.Conv2d(3, config.hidden_size, config.patch_size, config.patch_size)
        self.norm = nn.LayerNorm(config.hidden_size)
        self.intermediate = nn.Linear(config.hidden_size * 16, config.hidden_size)
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)

    def forward(self, pixel_values, labels=None, return_dict=None):
        x = self.embed(pixel_values).flatten(2).transpose(1, 2)
        logits = self.classifier(nn.functional.gelu(self.intermediate(self.norm(x).flatten(1))))
        if not (self.config.use_return_dict if return_dict is None else return_dict):
            return (logits,)
        return ImageClassifierOutput(loss=None, logits=logits)


def tinyvit(num_classes):
    """The configuration made, its output as it is."""
    return TinyViTForImageClassification(TinyViTConfig(num_labels=num_classes))


class Logits(nn.Module):
    """The configuration made, and its logits taken: what a user writes in three lines."""

    input_shape = (3, 32, 32)

    def __init__(self, num_classes):
        super().__init__()
        self.model = TinyViTForImageClassification(TinyViTConfig(num_labels=num_classes))

    def forward(self, images):
        return self.model(images).logits


tinyvit.input_shape = (3, 32, 32)
