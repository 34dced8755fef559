from __future__ import annotations

import os
import subprocess
import sys
import uuid
from dataclasses import replace
from pathlib import Path

import liars
import pytest
import torch
from narrow import narrow

import registry
from registry import Architecture, Deviation
from registry.checks import CHECKS, parametrize_architectures, run_checks
from registry.errors import CheckError, UnknownCheckError

_LIGHT = ["contract", "shapes", "head"]  # nothing is computed
_WIDTHS = ("in_channels", "out_channels", "in_features", "out_features")
_MODULE = """
import contextlib, gc, logging, os, random, signal, socket, sys, warnings
import numpy, torch
import liars
{imported}
class Net(liars.Honest):
    def __init__(self, num_classes):
        super().__init__(num_classes)
        {built}
    def forward(self, images):
        {run}
        return super().forward(images)
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A function that writes a module whose network does something when imported, built or run."""
    monkeypatch.syspath_prepend(tmp_path)
    name = f"module_of_{uuid.uuid4().hex}"

    def write(imported: str = "pass", built: str = "pass", run: str = "pass") -> Architecture:
        text = _MODULE.format(imported=imported, built=built, run=run)
        (tmp_path / f"{name}.py").write_text(text)
        return replace(liars.architecture("Honest"), constructor=f"{name}:Net")

    yield write
    sys.modules.pop(name, None)


def _broken(architecture: Architecture, *only: str) -> dict[str, str]:
    """Return what was seen of each promise that is broken."""
    findings = run_checks(architecture, only)
    return {each.check: each.seen for each in findings if each.status == "broken"}


@parametrize_architectures("lenet5")
def test_built_ins_keep_their_promises(architecture, check):
    """What any architecture must keep, ours do."""
    check(architecture)


@parametrize_architectures("lenet_as_printed", only=["logits"])
def test_a_built_in_breaks_what_it_says(architecture, check):
    """The softmax that the chapter printed is an expected failure of a test, too."""
    check(architecture)


def test_a_built_in_of_full_width_keeps_its_promises():
    """All checks of one share what is dear: a network built, a process that has torch."""
    assert _broken(registry.get("lenet")) == {}


@pytest.mark.parametrize("name", ["lenet", "lenet_as_printed", "alexnet", "alexnet_2012", "vgg11"])
def test_larger_built_ins_keep_their_promises(name):
    """Their own layers, initialisation and `forward`, an eighth as wide; `make soak`: as wide."""
    assert _broken(narrow(name)) == {}


@pytest.mark.parametrize("name", ["lenet", "alexnet", "alexnet_2012", "vgg11"])
def test_a_narrow_network_has_the_layers_of_the_wide_one(name):
    """The same names in the same order, and the same settings but for the widths."""
    wide, thin = registry.get(name), narrow(name)
    with torch.device("meta"):
        layers = [_without_widths(each.build(2)) for each in (wide, thin)]

    assert layers[0] == layers[1]
    assert thin.contract.parameters < wide.contract.parameters / 50


def _without_widths(network):
    """Return each layer's name, and what it is told to be, but for its widths."""
    found = []
    for name, layer in network.named_modules():
        told = {
            key: value
            for key, value in vars(layer).items()
            if not key.startswith("_") and key not in _WIDTHS
        }
        parameters = [each for each, _ in layer.named_parameters(recurse=False)]
        found.append((name, told, parameters))
    return found


@parametrize_architectures(
    "lenet_as_printed", "alexnet", "alexnet_2012", "vgg11", "vgg13", "vgg16", "vgg19", only=_LIGHT
)
def test_the_largest_built_ins_have_the_right_shapes(architecture, check):
    """Nothing is computed for that; `make soak` builds and trains them, too."""
    check(architecture)


def test_an_honest_network_keeps_all_promises():
    """Batch normalisation and dropout are no failure."""
    findings = run_checks(liars.architecture("Honest"))

    assert [each.status for each in findings] == ["kept"] * len(CHECKS)


def test_a_bias_that_batch_normalisation_takes_away_is_no_failure():
    """Whether its gradient is 0 or rounding errors depends on the size of the maps alone."""
    assert _broken(liars.architecture("Shifted"), "gradients") == {}


@pytest.mark.parametrize(("kind", "check"), liars.LIARS.items())
def test_a_liar_fails_exactly_the_check_of_its_lie(kind, check):
    """Each check finds its own fault, and no check finds another's."""
    assert list(_broken(liars.architecture(kind))) == [check]


def test_every_check_has_its_liar():
    """None is without an input that must fail it."""
    assert {check.name for check in CHECKS} == set(liars.LIARS.values())


@pytest.mark.parametrize(
    ("kind", "check", "seen"),
    [
        ("TwoHeaded", "shapes", "a tuple for 1 image in training mode"),
        ("Restless", "neighbours", "for the same batch, run twice"),
        ("Nameless", "contract", "a deviation from 'logit', which is not a check"),
    ],
)
def test_other_faults_are_told_as_what_they_are(kind, check, seen):
    """A second answer, a draw in evaluation mode, and a deviation from nothing."""
    if kind == "Nameless":
        deviations = (Deviation(check="logit", reason="a typing error"),)
        architecture = replace(liars.architecture("Honest"), deviations=deviations)
    else:
        architecture = liars.architecture(kind)

    assert seen in _broken(architecture, check)[check]


@pytest.mark.parametrize(
    ("line", "seen"),
    [
        ("torch.set_num_threads(11)", "torch's threads: "),
        ("torch.set_default_dtype(torch.float64)", "the default dtype: torch.float32, now"),
        ("torch.set_default_device('meta')", "the default device: cpu, now meta"),
        ("torch.set_float32_matmul_precision('medium')", "float32 matrix products: highest, now"),
        ("torch.backends.cudnn.benchmark = True", "torch.backends.cudnn.benchmark: False, now"),
        ("torch.backends.cudnn.deterministic = True", "torch.backends.cudnn.deterministic"),
        ("torch.backends.cudnn.allow_tf32 = False", "torch.backends.cudnn.allow_tf32: True, now"),
        ("torch.use_deterministic_algorithms(True)", "deterministic algorithms"),
        ("torch.set_grad_enabled(False)", "whether gradients are computed: True, now False"),
        ("torch.set_autocast_enabled('cpu', True)", "autocast on the CPU"),
        ("torch.set_anomaly_enabled(True)", "anomaly detection"),
        ("torch.set_flush_denormal(True)", "flushing of denormals"),
        ("torch.manual_seed(0)", "torch's seed"),
        ("numpy.random.seed(0)", "NumPy's random state"),
        ("random.seed(0)", "Python's random state"),
        ("os.environ['OMP_NUM_THREADS'] = '5'", "of threads and devices: OMP_NUM_THREADS"),
        ("gc.disable()", "garbage collection: True, now False"),
        ("os.chdir('/')", "the working directory"),
        ("signal.signal(signal.SIGTERM, signal.SIG_IGN)", "signal handlers"),
    ],
)
def test_a_changed_setting_is_told(module, line, seen):
    """Whatever skews everybody's figures is named."""
    assert seen in _broken(module(built=line), "globals")["globals"]


@pytest.mark.parametrize("when", ["imported", "built", "run"])
@pytest.mark.parametrize(
    ("line", "seen"),
    [
        ("torch.set_num_threads(11)", "torch's threads"),
        ("torch.set_grad_enabled(False)", "whether gradients are computed"),
        ("torch.manual_seed(0)", "torch's seed"),
        ("numpy.random.seed(0)", "NumPy's random state"),
        ("random.seed(0)", "Python's random state"),
    ],
)
def test_a_change_is_told_with_when(module, line, seen, when):
    """Import, construction and forward pass are watched alike."""
    broken = _broken(module(**{when: line}), "globals")["globals"]

    assert seen in broken
    assert f"(when it was {when})" in broken


def test_a_change_that_can_only_be_made_at_import_is_told(module):
    """Torch's interop threads are set before the first operation, or never."""
    architecture = module(imported="torch.set_num_interop_threads(7)")

    assert "torch's interop threads" in _broken(architecture, "globals")["globals"]


@pytest.mark.parametrize(
    ("line", "seen"),
    [
        ("os.environ['MY_OWN'] = '1'", "environment variables: MY_OWN"),
        ("warnings.simplefilter('ignore')", "warning filters"),
        ("sys.path.append('/nowhere')", "sys.path"),
        ("logging.getLogger().setLevel('CRITICAL')", "the root logger"),
    ],
)
def test_what_libraries_need_may_be_changed_by_an_import(module, line, seen):
    """While a network is built the same is a failure."""
    assert _broken(module(imported=line), "globals") == {}
    assert seen in _broken(module(built=line), "globals")["globals"]


@pytest.mark.parametrize("line", ["torch.rand(3)", "numpy.random.rand(700)", "random.random()"])
def test_drawing_at_random_is_no_drift(module, line):
    """It is what a constructor has the generators for."""
    assert _broken(module(built=line), "globals") == {}


def test_a_download_is_told_with_when(module):
    """Though the network goes on without it, and nothing comes out of this machine."""
    line = "with contextlib.suppress(OSError): socket.getaddrinfo('weights.test', 443)"
    seen = _broken(module(imported=line), "offline")["offline"]

    assert seen == "look up 'weights.test' (when it was imported)"


@pytest.mark.parametrize(
    ("line", "seen"),
    [
        ("raise SystemExit(3)", "failed with num_classes=2: SystemExit: 3"),
        ("raise MemoryError", "failed with num_classes=2: MemoryError"),
    ],
)
def test_a_network_that_cannot_be_built_ends_no_run(module, line, seen):
    """The first check says why, and the others are not run."""
    first, *others = run_checks(module(built=line))

    assert seen in first.seen
    assert first.status == "broken"
    assert {(each.status, each.reason) for each in others} == {
        ("not run", "no network can be built")
    }


def test_a_network_that_ends_its_process_is_told(module):
    """What can't be caught is seen from outside, and the next one is watched all the same."""
    ending = module(imported=f"if os.getpid() != {os.getpid()}: os.kill(os.getpid(), 9)")

    assert "signal SIGKILL" in _broken(ending, "offline")["offline"]
    assert _broken(liars.architecture("Honest"), "offline") == {}


def test_the_process_of_a_network_has_todays_environment(module, monkeypatch):
    """It is forked from one that was begun earlier."""
    monkeypatch.setenv("SET_LATER", "1")

    assert _broken(module(built="assert os.environ['SET_LATER'] == '1'"), "offline") == {}


def test_a_deviation_is_expected_with_its_reason():
    """It is no failure, and says what was seen all the same."""
    (finding,) = run_checks(registry.get("lenet_as_printed"), ["logits"])

    assert finding.status == "expected"
    assert finding.reason == "it ends in a softmax, as the chapter printed it"
    assert "sum to 1" in finding.seen


def test_a_deviation_that_is_not_there_is_a_failure():
    """No excuse outlives its reason."""
    deviations = (Deviation(check="logits", reason="once it was so"),)
    architecture = replace(liars.architecture("Honest"), deviations=deviations)

    assert _broken(architecture, "logits") == {"logits": "the promise is kept"}


def test_the_process_is_as_before(module):
    """No check lets a network skew what is measured after it."""
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    threads, folder = torch.get_num_threads(), Path.cwd()
    lines = "torch.set_num_threads(7); torch.manual_seed(0); os.chdir('/')"
    checks = [*_LIGHT, "seed", "state"]
    run_checks(module(built=f"{lines}; os.environ['OMP_NUM_THREADS'] = '5'"), checks)

    assert (torch.get_num_threads(), Path.cwd()) == (threads, folder)
    assert os.environ.get("OMP_NUM_THREADS") != "5"
    assert torch.equal(torch.rand(1), expected)


def test_a_talking_network_leaves_stdout_clean(module, capfd):
    """What it prints goes to stderr, from the process that watches it, too."""
    run_checks(module(built="print('built')", run="print('run')"), ["shapes", "offline"])

    assert capfd.readouterr().out == ""


def test_a_check_alone_raises_what_was_seen_and_what_to_change():
    """Called by itself, it is what a test needs."""
    (check,) = [each for each in CHECKS if each.name == "logits"]
    with pytest.raises(CheckError, match="sum to 1") as raised:
        check(liars.architecture("Softmaxed"))

    assert raised.value.expected == "logits, of any sign and size"
    assert "remove the softmax from" in raised.value.change


def test_an_unknown_check_says_what_there_is():
    """Before anything is run."""
    with pytest.raises(UnknownCheckError, match="Did you mean 'learns'"):
        run_checks(liars.architecture("Honest"), ["learn"])


def test_the_kit_is_imported_without_torch():
    """A test module that only names it costs nothing."""
    code = "import sys, registry.checks; print({'torch', 'numpy', 'pytest'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"
