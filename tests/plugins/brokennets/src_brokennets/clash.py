"""Names that others have."""

from registry import Architecture, Contract

NET = Architecture(
    name="lenet",
    constructor="brokennets.kind:NET",
    contract=Contract(input_shape=(3, 8, 8), output_shape=(2,), parameters=0),
    source="not the real one",
)
TWICE = Architecture(
    name="twice",
    constructor="brokennets.kind:NET",
    contract=Contract(input_shape=(3, 8, 8), output_shape=(2,), parameters=0),
)
