"""A plugin's value: it is read without torch."""

from registry import Architecture, Contract

print("hello from a plugin that talks while it is imported")

GOODNET = Architecture(
    name="goodnet",
    constructor="goodnet_network:GoodNet",
    contract=Contract(input_shape=(3, 32, 32), output_shape=(2,), parameters=322),
    source="a test's own network",
)
