"""An architecture that looks well until its network is imported."""

from registry import Architecture, Contract

NET = Architecture(
    name="broken_network",
    constructor="brokennets.leaves:NET",
    contract=Contract(input_shape=(3, 8, 8), output_shape=(2,), parameters=0),
)
