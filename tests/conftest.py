"""What tests are given: the real photographs where they are, a drawn folder, the command."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from drawn_folder import draw_folder
from warm import warm

from zoo.cli.app import main

_LONGEST = ("test_ray.py", "test_campaign.py", "test_isolation.py", "test_pages.py")
_PHOTOGRAPHS = Path(__file__).parents[2] / "shared" / "data"


def _keep_to_a_core(worker: str) -> None:
    """Give a worker of pytest-xdist one core: on shared ones, threads wait for each other."""
    if worker and hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[int(worker.removeprefix("gw")) % len(cores)]})


_keep_to_a_core(
    os.environ.get("PYTEST_XDIST_WORKER", "")
)  # before torch counts them: nothing above imports it


@pytest.fixture(scope="module")
def all_cores() -> Iterator[None]:
    """Let this process and those it begins use all cores; a worker of the suite keeps to one."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    yield
    os.sched_setaffinity(0, before)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Have two workers more than cores: some tests wait for others than themselves."""
    return len(os.sched_getaffinity(0)) + 2 if hasattr(os, "sched_getaffinity") else 2


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, and skip what needs the photographs where there are none."""
    items.sort(key=lambda item: item.path.name not in _LONGEST)
    if _PHOTOGRAPHS.is_dir():
        return
    skip = pytest.mark.skip(reason="the real photographs do not lie beside this checkout")
    for item in items:
        if item.get_closest_marker("photographs"):
            item.add_marker(skip)


@pytest.fixture(autouse=True)
def _few_pages(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw a run's page and figures, some seconds, only in tests that look at them."""
    if not request.node.get_closest_marker("pages"):
        monkeypatch.setattr("bench.runs.stored_runs.write_page", lambda *arguments: None)


@pytest.fixture(scope="module")
def hastened_runs() -> Iterator[None]:
    """Look at what runs in this process come to alone, module fixtures' runs too."""
    from hastened import hastened  # imports torch: see above

    with hastened():
        yield


@pytest.fixture(scope="session", autouse=True)
def _one_trial_server() -> Iterator[None]:
    """Begin the trials of runs in this process by one server, which imports torch once."""
    lent = SimpleNamespace(begin=lambda: warm().begin_trial(), close=lambda: None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bench.engines.spawn.TrialServer", lambda: lent)
        yield


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the user's own cache out of the tests, and the tests out of it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZOO_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def chapter_photographs() -> Path:
    """The folder of the chapter's 502 photographs."""
    return _PHOTOGRAPHS / "dogs-vs-cats"


@pytest.fixture(scope="session")
def many_photographs() -> Path:
    """The folder of 2,002 photographs."""
    return _PHOTOGRAPHS / "dogs-vs-cats-2000"


@pytest.fixture
def drawn(tmp_path: Path) -> Path:
    """A folder of 12 cats and 12 dogs."""
    return draw_folder(tmp_path / "drawn")


@pytest.fixture
def zoo(monkeypatch, capsys):
    """Run `zoo` with arguments in this process; return exit code, stdout and stderr."""

    def run(*arguments: object, width: int = 150) -> tuple[int, str, str]:
        monkeypatch.setenv("COLUMNS", str(width))
        monkeypatch.setattr(sys, "argv", ["zoo", *map(str, arguments)])
        try:
            main()
            code = 0
        except SystemExit as ended:
            code = ended.code or 0
        told = capsys.readouterr()
        return code, told.out, told.err

    return run
