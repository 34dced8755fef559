from __future__ import annotations

import subprocess
import sys

import pytest
from claims import claim

import bench
from registry import Architecture, Catalog, Contract, Normalization, UnsuitableError
from registry.catalog import ARCHITECTURES, FAMILIES
from registry.errors import (
    AmbiguousNameError,
    BrokenPluginError,
    ConstructionError,
    RunError,
    UnknownNameError,
)
from registry.frozen import Frozen, FrozenContract

MADE = claim("made", "made_family:MADE", "makers", FAMILIES.group)
CATALOG = Catalog([MADE, claim("gone", "made_family:GONE", "makers", FAMILIES.group)])
CONTRACT = Contract(input_shape=(3, 8, 8), output_shape=(2,), parameters=122)


def test_a_member_is_described_and_measured():
    """Its contract is what it has; nobody promised it, and that is said."""
    entry = CATALOG.get("made:good")

    assert entry.name == entry.value.name == "made:good"
    assert entry.origin.distribution == "pip"
    assert entry.origin.version
    assert entry.value.contract == CONTRACT
    assert entry.value.contract_by == "measured"
    assert entry.value.normalization == Normalization(mean=(0.5,) * 3, std=(0.25,) * 3)


def test_a_member_is_built_with_its_arguments():
    """The constructor gets what describes the member, and the number of classes."""
    network = CATALOG.get("made:good").value.build(num_classes=7)

    assert network.body.out_channels == 4
    assert network.head.out_features == 7


def test_trained_weights_are_asked_for_by_name():
    """Only a member that has some takes them; the head alone may be trained."""
    trained = CATALOG.get("made:good").value.pretrained(frozen=True)

    assert trained.build(num_classes=2).pretrained
    assert trained.build(num_classes=2).frozen
    assert trained.untrained == CATALOG.get("made:good").value
    with pytest.raises(UnsuitableError, match="made:fixed has no trained weights"):
        Architecture(
            name="made:fixed", constructor="made_family:Fixed", contract=CONTRACT
        ).pretrained()


@pytest.mark.parametrize(
    ("member", "error", "reason"),
    [
        ("tuple", UnsuitableError, "it returns a tuple, not a tensor of logits"),
        ("moody", UnsuitableError, "it returns a tuple in training mode"),
        ("fixed", UnsuitableError, "it has 1000 outputs for 2 classes"),
        ("hopeless", UnsuitableError, "made:hopeless answers in verse"),
        ("crash", ConstructionError, "SystemExit: 3"),
        ("nonsense", BrokenPluginError, "returned a str, not a registry.Described"),
        ("goood", UnknownNameError, "unknown architecture 'made:goood'. Did you mean 'made:good'"),
    ],
)
def test_what_can_not_be_compared_is_refused_with_a_reason(member, error, reason):
    """Tuples, heads that can't be chosen, crashes and typing errors are one line each."""
    with pytest.raises(error) as caught:
        CATALOG.get(f"made:{member}")

    assert reason in str(caught.value)


def test_a_library_that_is_not_there_breaks_its_family_alone():
    """The others are unaffected, and the reason is told."""
    with pytest.raises(BrokenPluginError, match=r"'gone' is broken: ModuleNotFoundError.*nobody"):
        CATALOG.members("gone")
    assert CATALOG.members("made", "g*") == ("made:good",)


def test_patterns_choose_members():
    """Each once, in the order asked; a pattern that matches nothing is an error."""
    assert CATALOG.resolve(["made:*", "!made:[cfmt]*"]) == ("made:good",)
    with pytest.raises(UnknownNameError, match=r"no architecture matches 'made:x\*'"):
        CATALOG.resolve(["made:x*"])


def test_of_two_families_with_one_prefix_neither_has_it():
    """Both are reached by their full names, and a built-in one keeps its own."""
    rival = claim("made", "made_family:MADE", "rival", FAMILIES.group)
    built_in = claim("made", "made_family:MADE", "zoo-bench", FAMILIES.group)

    with pytest.raises(AmbiguousNameError, match="'makers/made' or 'rival/made'"):
        Catalog([MADE, rival]).get("made:good")
    assert Catalog([MADE, rival]).get("rival/made:good").name == "rival/made:good"
    assert Catalog([MADE, built_in]).get("made:good").name == "made:good"
    assert Catalog([MADE, built_in]).members("makers/made", "g*") == ("makers/made:good",)


def test_a_plugin_can_not_pose_as_a_member():
    """An entry point called `made:good` is a broken row; the family's member is untouched."""
    posing = claim("made:good", "zoo:LENET5", "rival", ARCHITECTURES.group)
    catalog = Catalog([MADE, posing])

    assert catalog.get("made:good").value.contract == CONTRACT
    assert "must be named like 'my_net'" in str(catalog.entries()[0].broken)


def test_an_architecture_may_be_called_like_a_family():
    """`made` is the plugin's network, `made:good` the family's: a colon tells them apart."""
    named = claim("lenet5", "zoo:LENET5", "rival", ARCHITECTURES.group)
    family = claim("lenet5", "made_family:MADE", "makers", FAMILIES.group)
    catalog = Catalog([named, family])

    assert catalog.get("lenet5").value.contract.parameters == 61_026
    assert "its entry point is called 'lenet5', its family 'made'" in str(
        catalog.families()[0].broken
    )


def test_a_frozen_contract_stands_above_what_is_measured():
    """From then on it is a promise, though the library has changed the network since."""
    old = Contract(input_shape=(3, 8, 8), output_shape=(2,), parameters=1)
    kept = {"made:good": FrozenContract(contract=old, origin="")}
    found = Catalog([MADE], Frozen(contracts=kept)).get("made:good").value

    assert (found.contract, found.contract_by) == (old, "frozen")


@pytest.mark.parametrize(
    ("name", "shape", "parameters"),
    [
        ("torchvision:squeezenet1_1", (3, 224, 224), 723_522),
        ("torchvision:googlenet", (3, 224, 224), 5_601_954),
        ("torchvision:inception_v3", (3, 299, 299), 21_789_666),
        ("torchvision:vit_h_14", (3, 518, 518), 632_192_002),
        ("timm:resnet18", (3, 224, 224), 11_177_538),
        ("timm:resnet18.a1_in1k", (3, 224, 224), 11_177_538),
        ("timm:vit_tiny_patch16_224", (3, 224, 224), 5_524_802),
    ],
)
def test_the_libraries_networks_take_two_classes(name, shape, parameters):
    """Their own input sizes, a head for two, and no tuples where a library would give some."""
    contract = Catalog.installed().get(name).value.contract

    assert contract == Contract(input_shape=shape, output_shape=(2,), parameters=parameters)


def test_a_vision_transformer_keeps_its_own_normalisation():
    """It is not ImageNet's, and the network would see other images than it was made for."""
    found = Catalog.installed().get("timm:vit_tiny_patch16_224").value

    assert found.normalization == Normalization(mean=(0.5,) * 3, std=(0.5,) * 3)


def test_families_cost_nothing_until_they_are_asked():
    """The list of families imports neither torch nor the libraries."""
    code = (
        "import sys; from registry import Catalog; found = Catalog.installed().families();"
        "print([each.name for each in found], {'torch', 'timm', 'torchvision'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "['timm', 'torchvision'] set()"


def test_a_row_says_what_training_began_with(tmp_path):
    """The name of the weights, and that only the head was trained."""
    results = bench.run(
        [CATALOG.get("made:good").value],
        "drawings",
        epochs=1,
        limit=24,
        pretrained=True,
        frozen=True,
        runs=tmp_path / "runs",
        progress=False,
        isolate=False,
    )
    row = results.frame.iloc[0]

    assert row["status"] == "ok", row["error"]
    assert row["trained_from"] == "v1, head alone"
    assert str(row["contract"]).startswith("measured")
    assert "made:good (v1, head alone)" in (results.folder / "comparison.md").read_text()


def test_a_frozen_backbone_is_a_trained_one():
    """Random weights are never kept as they are."""
    with pytest.raises(RunError, match="--freeze-backbone requires --pretrained"):
        bench.run(["lenet5"], frozen=True, progress=False)


@pytest.mark.parametrize("name", ["timm:resnet18", "torchvision:resnet18"])
def test_a_members_deviation_is_no_mean(name):
    """Each is that of the library's own configuration: here ImageNet's."""
    family, _, member = name.partition(":")
    found = Catalog.installed().described(f"{family}:{member}").normalization

    assert found == Normalization(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
