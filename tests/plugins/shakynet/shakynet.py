"""A plugin's value; this folder needs no installing, only a place on the path."""

from registry import Architecture, Contract

SHAKY = Architecture(
    name="shaky",
    constructor="shakynet_network:ShakyNet",
    contract=Contract(input_shape=(3, 32, 32), output_shape=(2,), parameters=498),
    source="a test's own network",
)
