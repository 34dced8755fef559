"""All built-in architectures with their contracts; needs no torch."""

try:
    from registry.architecture import Architecture, Contract, Deviation
except ImportError:  # somebody's `registry.py` may hide ours
    import sys

    from zoo_bench_start import require_rooms

    require_rooms(command=sys.argv[:1] == ["-m"])  # what runpy says while it looks for `zoo`
    raise

__version__ = "0.1.0"

LENET5 = Architecture(
    name="lenet5",
    constructor="zoo.lenet:LeNet5",
    contract=Contract(input_shape=(1, 32, 32), output_shape=(2,), parameters=61_026),
    source=(
        "LeCun et al. 1998; max pooling for trained subsampling, full connections in C3, "
        "ReLU for tanh, logits for radial basis functions"
    ),
)
LENET = Architecture(
    name="lenet",
    constructor="zoo.lenet:LeNet",
    contract=Contract(input_shape=(3, 224, 224), output_shape=(2,), parameters=46_038_242),
    source="LeCun et al. 1998, widened by the chapter to 224x224 colour; logits, ReLU after fc1",
)
LENET_AS_PRINTED = Architecture(
    name="lenet_as_printed",
    constructor="zoo.lenet:LeNetAsPrinted",
    contract=Contract(input_shape=(3, 224, 224), output_shape=(2,), parameters=46_038_242),
    source="the chapter's LeNet as printed: no ReLU after fc1, softmax before the cross-entropy",
    deviations=(
        Deviation(check="logits", reason="it ends in a softmax, as the chapter printed it"),
    ),
)
ALEXNET = Architecture(
    name="alexnet",
    constructor="zoo.alexnet:AlexNet",
    contract=Contract(input_shape=(3, 256, 256), output_shape=(2,), parameters=42_321_218),
    source="Krizhevsky 2014 (one tower) as in the chapter: 256x256, adaptive pooling, fc2 of 512",
)
ALEXNET_2012 = Architecture(
    name="alexnet_2012",
    constructor="zoo.alexnet:AlexNet2012",
    contract=Contract(input_shape=(3, 227, 227), output_shape=(1000,), parameters=62_378_344),
    source=(
        "Krizhevsky et al. 2012; one tower instead of two half-connected ones, 227x227, "
        "torch's default initialisation"
    ),
)


def _vgg(depth: int, configuration: str, parameters: int) -> Architecture:
    return Architecture(
        name=f"vgg{depth}",
        constructor=f"zoo.vgg:vgg{depth}",
        contract=Contract(input_shape=(3, 224, 224), output_shape=(2,), parameters=parameters),
        source=(
            f"Simonyan and Zisserman 2015, configuration {configuration}; Kaiming fan-out for "
            "convolutions, N(0, 0.01) for linear layers, zero biases, instead of weights from a "
            "shallower network"
        ),
    )


VGG11 = _vgg(11, "A", 128_774_530)
VGG13 = _vgg(13, "B", 128_959_042)
VGG16 = _vgg(16, "D", 134_268_738)
VGG19 = _vgg(19, "E", 139_578_434)
