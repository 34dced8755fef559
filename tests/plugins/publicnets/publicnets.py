"""A plugin's values; this folder needs no installing, only a place on the path."""

from registry import Architecture, Contract

_CIFAR = (3, 32, 32)
_MNIST = (1, 28, 28)


def _net(name, constructor, parameters, shape=_CIFAR, **arguments):
    return Architecture(
        name=f"public_{name}",
        constructor=f"publicnets_networks.{constructor}",
        contract=Contract(input_shape=shape, output_shape=(2,), parameters=parameters),
        source="a test's own network, in the manner of public ones",
        arguments=tuple(arguments.items()),
    )


PUBLIC = {
    each.name: each
    for each in (
        _net("resnet8", "resnet:resnet8", 18_954),
        _net("preact", "resnet:preact", 19_594),
        _net("wide", "resnet:wide", 77_330),
        _net("resnext", "resnet:resnext", 14_842),
        _net("senet", "resnet:senet", 20_336),
        _net("mobilenet", "mobile:MobileNet", 5_778),
        _net("shufflenet", "mobile:ShuffleNet", 1_898),
        _net("ghostnet", "mobile:GhostNet", 2_466),
        _net("squeezenet", "mobile:SqueezeNet", 4_914),
        _net("mixer", "mixers:MLPMixer", 11_698, image_size=32, patch_size=8, dim=32),
        _net("convmixer", "mixers:ConvMixer", 5_730),
        _net("vit", "mixers:ViT", 15_266, image_size=32, patch_size=8, dim=32, depth=1),
        _net("densenet", "older:DenseNet", 5_922),
        _net("highway", "older:Highway", 51_890, _MNIST),
        _net("nin", "older:NIN", 5_754),
        _net("fractal", "older:FractalNet", 15_074),
        _net("stochastic_depth", "older:StochasticDepth", 9_922),
        _net("capsules", "older:CapsNet", 10_032, _MNIST),
        _net("repvgg", "older:RepVGG", 5_794),
        _net("repvgg_deployed", "older:RepVGG", 5_794, deploy_in_eval=True),
    )
}
globals().update(PUBLIC)
