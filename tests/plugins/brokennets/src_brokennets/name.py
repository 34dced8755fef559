"""An architecture whose name is not its entry point's."""

from registry import Architecture, Contract

NET = Architecture(
    name="another",
    constructor="brokennets.kind:NET",
    contract=Contract(input_shape=(3, 8, 8), output_shape=(2,), parameters=0),
)
