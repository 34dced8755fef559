"""One network over several processes of torchrun: on the CPU, by gloo, over loopback.

torchrun itself begins those of two tests; the others are forks of a warm Python with what it sets.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from conftest import draw_folder
from safetensors.torch import load_file
from warm import ADDED, warm

from bench.runs import StoredRun, stored_run
from bench.weights import load_network

_TESTS = Path(__file__).parent
_PATIENCE_SECONDS = 300.0  # for what takes 10 on two idle cores
_NETWORKS = '''"""Networks that do in one process what they don't in the others."""
import os
import signal
from pathlib import Path

from torch import nn


class Steady(nn.Module):
    input_shape = (1, 32, 32)
    steps = 0

    def __init__(self, num_classes):
        super().__init__()
        self.drop = nn.Dropout(0.3)
        self.fc = nn.Linear(1024, num_classes)

    def forward(self, images):
        self.steps += self.training
        if self.steps == 4 and os.environ.get("RANK") == "1":
            self.meet()
        return self.fc(self.drop(images.flatten(1)))

    def meet(self):
        pass


class Raising(Steady):
    def meet(self):
        raise RuntimeError("out of luck")


class Killed(Steady):
    def meet(self):
        os.kill(os.getpid(), signal.SIGKILL)


class Stopped(Steady):
    def meet(self):
        if not Path("stopped").exists():
            Path("stopped").touch()
            os.kill(os.getpid(), signal.SIGTERM)
'''


def _torchrun(processes: int, *command: object, cwd: Path) -> tuple[int, str, str]:
    """Run what torchrun begins; return exit code, stdout and stderr, torchrun's own left out.

    Where it takes too long, torchrun is ended, which ends its processes.
    """
    path = os.pathsep.join(ADDED)
    torchrun = (sys.executable, "-m", "torch.distributed.run", "--standalone")
    with subprocess.Popen(
        [*torchrun, "--nproc-per-node", str(processes), *map(str, command)],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1", "COLUMNS": "150"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            out, err = process.communicate(timeout=_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.terminate()
            out, err = process.communicate()
            pytest.fail(f"it hangs: {err[-2000:]}")
    return process.returncode, out, err


def _ranks(processes: int, *command: object, cwd: Path) -> tuple[int, str, str]:
    """Do as torchrun does, by forks: one that fails has the others ended."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1])}
    sizes = {"WORLD_SIZE": str(processes), "LOCAL_WORLD_SIZE": str(processes)}
    fixed = os.environ | place | sizes | {"OMP_NUM_THREADS": "1", "COLUMNS": "150"}
    files = [(cwd / ".out").open("w+"), (cwd / ".err").open("w+")]
    descriptors = [file.fileno() for file in files]
    begun = [
        warm().start(
            command,
            cwd=cwd,
            env=fixed | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=descriptors[0],
            stderr=descriptors[1],
        )
        for rank in range(processes)
    ]
    codes: dict[int, int | None] = {}

    def wait(rank: int) -> None:
        codes[rank] = begun[rank].wait(_PATIENCE_SECONDS)
        if codes[rank] != 0:
            for each in begun:
                each.ask_to_stop()

    threads = [threading.Thread(target=wait, args=(rank,)) for rank in range(processes)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for each in begun:
        each.close()
        os.close(each.output)
    out, err = ((cwd / name).read_text() for name in (".out", ".err"))
    for file in files:
        file.close()
        Path(file.name).unlink()
    assert None not in codes.values(), f"it hangs: {err[-2000:]}"
    return next((code for code in codes.values() if code), 0) or 0, out, err


def _bench(
    processes: int, *arguments: object, cwd: Path, begin: Any = _ranks
) -> tuple[int, str, str]:
    return begin(processes, "-m", "zoo", "bench", *arguments, cwd=cwd)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 12 cats and 12 dogs: 16 are trained on, 4 validate, 4 are tested."""
    return draw_folder(tmp_path_factory.mktemp("ddp") / "images")


@pytest.fixture(scope="module")
def found(images: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What three processes found out in each scenario, by rank."""
    folder = tmp_path_factory.mktemp("scenarios")
    code, _, err = _ranks(3, _TESTS / "ranks_scenarios.py", images, folder, cwd=folder)
    assert code == 0, err
    everyone: list[dict[str, Any]] = json.loads((folder / "found.json").read_text())
    return everyone


@pytest.mark.parametrize(("precision", "tolerance"), [("float64", 1e-9), ("float32", 1e-5)])
def test_three_processes_train_the_network_that_one_trains(found, precision, tolerance):
    """All weights and losses agree, in batches of 7, 7 and 2 that three processes share."""
    for rank in found:
        agreed = rank["agreement"][precision]
        alone, together = agreed["history"]

        assert agreed["weights"] < tolerance
        assert agreed["probabilities"] < max(tolerance, 1e-6)
        assert agreed["labels"][0] == agreed["labels"][1]
        assert agreed["test_loss"][0] == pytest.approx(agreed["test_loss"][1], abs=tolerance)
        for mine, yours in zip(alone, together, strict=True):
            assert mine == pytest.approx(yours, abs=1e-6)  # sums of losses are float32


def test_unweighted_shares_train_another_network(found):
    """That comparison fails where the mean over each share counts alike."""
    assert all(rank["agreement"]["liar"] > 1e-5 for rank in found)


def test_answers_are_gathered_once_each_and_in_order(found):
    """Three processes answer 5 images in batches of 3 and 2 as one does; all have the answers."""
    for rank in found:
        alone, together, liar = (rank["answers"][name] for name in ("alone", "together", "liar"))

        assert together["labels"] == alone["labels"]
        assert together["accuracy"] == alone["accuracy"]
        assert together["loss"] == pytest.approx(alone["loss"], abs=1e-12)
        for mine, yours in zip(together["probabilities"], alone["probabilities"], strict=True):
            assert mine == pytest.approx(yours, abs=1e-7)
        assert len(together["labels"]) == 5
        assert len(liar["labels"]) == 6


def test_a_trial_stopped_by_one_process_goes_on_to_the_last_bit(found):
    """All stop at the same step; gone on with, each has its own noise and sums again."""
    for rank in found:
        went = rank["going_on"]

        assert went["status"] == ["interrupted", "ok"]
        assert went["steps"] == [1, 9, 1]
        assert went["digests"][0] == went["digests"][1]
        assert went["losses"][0] == went["losses"][1]
    assert len({rank["going_on"]["digests"][1] for rank in found}) == 1


def test_a_loss_that_is_no_number_in_one_process_is_so_in_all(found):
    """Training ends in all of them at that step, and the next trial can begin."""
    assert {rank["failures"]["Broken"][0] for rank in found} == {"diverged"}
    assert len({rank["failures"]["Broken"][1] for rank in found}) == 1


def test_batch_normalisation_is_refused_on_the_cpu(found):
    """There, torch has none over several processes."""
    for rank in found:
        status, error = rank["failures"]["Normalizing"]

        assert status == "failed"
        assert "normalises over a batch, and on the CPU torch can't do that" in error


def test_a_budget_ends_by_the_first_process_clock(found):
    """Clocks of another pace change nothing: all make as many steps."""
    assert len({json.dumps(rank["budget"]) for rank in found}) == 1
    assert found[0]["budget"]["status"] == "ok"


@pytest.fixture(scope="module")
def both_runs(images: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The same command under torchrun and without: where they ran, and what they said."""
    folder = tmp_path_factory.mktemp("runs")
    asked = ["--models", "lenet5", "--data", images, "--epochs", 3, "--batch-size", 5]
    asked += ["--precision", "float64", "--recipe", "default"]
    ddp = [*asked, "--strategy", "ddp", "--runs-dir"]
    together = _bench(2, *ddp, "together", cwd=folder, begin=_torchrun)
    alone = _bench(1, *ddp, "one", cwd=folder)
    plain = warm().run(["-m", "zoo", "bench", *asked, "--runs-dir", "plain"], cwd=folder)
    assert (together[0], alone[0], plain.returncode) == (0, 0, 0), (together[2], plain.stderr)
    return {"folder": folder, "out": together[1], "err": together[2]}


def _run(both_runs: dict[str, Any], name: str) -> StoredRun:
    return stored_run("1", both_runs["folder"] / name)


def _weights(both_runs: dict[str, Any], name: str) -> dict[str, Any]:
    folder = next((both_runs["folder"] / name).glob("0001-*/lenet5/seed-0"))
    return load_file(folder / "weights.safetensors")


@pytest.mark.parametrize("name", ["together", "one"])
def test_the_command_under_torchrun_trains_the_network_that_it_trains_without(both_runs, name):
    """In float64, all weights agree to 1e-9, and so do the answers to the test images."""
    plain, other = _weights(both_runs, "plain"), _weights(both_runs, name)
    (mine,), (yours,) = (_run(both_runs, each).results.records for each in ("plain", name))

    assert max((plain[key] - other[key]).abs().max().item() for key in plain) < 1e-9
    assert mine.test_loss == pytest.approx(yours.test_loss, abs=1e-9)
    assert mine.test_accuracy == yours.test_accuracy
    assert mine.test_images == yours.test_images == 4


def test_float64_weights_are_kept_as_they_are_and_read_as_float32(both_runs):
    """The file has all digits; a network made of it is one as ever."""
    folder = next((both_runs["folder"] / "plain").glob("0001-*/lenet5/seed-0"))
    network, _ = load_network(folder / "weights.safetensors")

    assert {str(each.dtype) for each in _weights(both_runs, "plain").values()} == {"torch.float64"}
    assert {str(each.dtype) for each in network.parameters()} == {"torch.float32"}


def test_one_process_plans_writes_and_tells(both_runs):
    """One run folder, one table, and one line an epoch."""
    epochs = [line for line in both_runs["err"].splitlines() if "epoch" in line]

    assert len(list((both_runs["folder"] / "together").iterdir())) == 1
    assert both_runs["out"].count("lenet5") == 1
    assert len(epochs) == 3


def test_the_run_says_how_many_processes_trained_together(both_runs):
    """In its title, its specification and its JSON; the command to go on with it, too."""
    run = _run(both_runs, "together")
    written = json.loads((run.results.folder / "comparison.json").read_text())

    assert "2 processes together" in written["title"]
    assert written["trials"][0]["spec"]["processes"] == 2
    assert [spec.processes for spec in run.specs] == [2]
    assert "torchrun --nproc-per-node 2 -m zoo bench --resume" in both_runs["err"]
    assert _run(both_runs, "plain").specs[0].processes is None


def _networks(folder: Path, images: Path, *names: str) -> list[object]:
    (folder / "nets.py").write_text(_NETWORKS)
    models = [f"./nets.py:{name}" for name in names]
    return ["--models", *models, "--data", images, "--epochs", 3, "--batch-size", 5]


@pytest.mark.parametrize(
    ("name", "said", "begin"),
    [
        ("Raising", "in process 1 of 2: RuntimeError: out of luck", _ranks),
        ("Killed", "nothing was heard of process 1", _torchrun),
    ],
)
def test_a_failure_in_one_process_ends_all_with_a_record(images, tmp_path, name, said, begin):
    """The record says where and why; what was to come after is left to be done."""
    asked = _networks(tmp_path, images, name, "Steady")
    code, _, err = _bench(2, *asked, "--strategy", "ddp", cwd=tmp_path, begin=begin)
    run = stored_run("1", tmp_path / "runs")

    assert code != 0
    assert [record.status for record in run.results.records] == ["failed"]
    assert said in run.results.records[0].error
    assert "1 of 2 trials are left to be done" in err


def test_a_run_stopped_by_a_signal_to_one_process_goes_on_under_torchrun(images, tmp_path):
    """It is saved, and what is left of it is done by as many processes."""
    asked = _networks(tmp_path, images, "Stopped")
    first = _bench(2, *asked, "--strategy", "ddp", cwd=tmp_path)
    after = _bench(2, "--resume", 1, cwd=tmp_path)
    (record,) = stored_run("1", tmp_path / "runs").results.records

    assert (first[0] != 0, after[0]) == (True, 0)
    assert "go on with: torchrun --nproc-per-node 2 -m zoo bench --resume" in first[2]
    assert (record.status, record.resumed, record.steps) == ("ok", 1, 9)
