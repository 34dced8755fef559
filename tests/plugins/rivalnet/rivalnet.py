"""A plugin that claims a name which another plugin claims, too."""

from registry import Architecture, Contract

TWICE = Architecture(
    name="twice",
    constructor="rivalnet:NET",
    contract=Contract(input_shape=(3, 8, 8), output_shape=(2,), parameters=0),
)
