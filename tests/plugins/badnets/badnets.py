"""Plugins' values; this folder needs no installing, only a place on the path."""

from registry import Architecture, Contract


def _bad(constructor):
    return Architecture(
        name=f"bad_{constructor.lower()}",
        constructor=f"badnets_networks:{constructor}",
        contract=Contract(input_shape=(1, 32, 32), output_shape=(2,), parameters=2050),
        source="a test's own network",
    )


BAD = {
    architecture.name: architecture
    for architecture in map(
        _bad,
        (
            "Leaving",
            "Hungry",
            "HungryLater",
            "NotANumber",
            "Sleeping",
            "Segfaulting",
            "Interrupting",
            "Escaping",
            "Bearing",
            "Closing",
            "Babbling",
            "BabblingOn",
            "Fat",
        ),
    )
}
globals().update(BAD)
