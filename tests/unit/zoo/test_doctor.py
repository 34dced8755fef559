from __future__ import annotations

import json
from importlib.metadata import EntryPoints, PackageNotFoundError
from types import SimpleNamespace

import pytest
from claims import Installed, claim

from bench.data.dataset_plugins import DATASETS
from bench.engines.registry import ENGINES
from bench.training.recipe import RECIPES
from registry.catalog import ARCHITECTURES, FAMILIES
from zoo.diagnostics import doctor
from zoo.diagnostics import plugins as doctor_plugins
from zoo.diagnostics.doctor import Finding
from zoo.diagnostics.plugins import GROUPS, plugins

_ARCHITECTURES = GROUPS[0]
_EDITABLE = json.dumps({"url": "file:///SOURCE", "dir_info": {"editable": True}})


@pytest.fixture
def told(monkeypatch, tmp_path):
    """What is found where just these entry points are installed, as (about, level, text)."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(doctor_plugins, "distributions", lambda: ())

    def look(*claims):
        def installed(**wanted):
            return EntryPoints(claims).select(**wanted)

        monkeypatch.setattr(doctor_plugins, "entry_points", installed)
        return [(found.about, found.level, found.text) for found in plugins()]

    return look


def test_all_groups_are_looked_into():
    """By the names that those who read them have."""
    kinds = (ARCHITECTURES, FAMILIES, DATASETS, RECIPES, ENGINES)

    assert tuple(kind.group for kind in kinds) == GROUPS


def test_a_sound_plugin_is_told_with_its_load_time(told):
    """And that it needs no torch to be listed."""
    ((about, level, text),) = told(claim("mine", "json:dumps", "Mine_Pkg", _ARCHITECTURES))

    assert (about, level) == ("mine-pkg", "fine")
    assert text.startswith("mine-pkg 1.0: 1 in ")
    assert text.endswith(" ms, without torch")


def test_a_plugin_that_imports_torch_to_be_listed_is_told(told, tmp_path):
    """`zoo list` would wait seconds for it."""
    (tmp_path / "heavy.py").write_text("import sys\nsys.modules['torch'] = sys\nNET = 1\n")
    ((_, level, text),) = told(claim("heavy", "heavy:NET", "heavy", _ARCHITECTURES))

    assert level == "note"
    assert "imports torch when it is listed" in text


def test_a_broken_plugin_is_wrong_with_its_reason(told, tmp_path):
    """One that raises, and one that ends the process that loads it."""
    (tmp_path / "exits.py").write_text("import os\nos._exit(7)\n")
    raising = told(claim("gone", "nobody_has_this:NET", "gone", _ARCHITECTURES))
    exiting = told(claim("exits", "exits:NET", "exits", _ARCHITECTURES))

    assert raising[0][1:] == (
        "wrong",
        "gone is broken: ModuleNotFoundError: No module named 'nobody_has_this'",
    )
    assert exiting == [
        (
            "exits",
            "wrong",
            "exits is broken: its import ends the process that loads it (exit code 7)",
        )
    ]


def test_a_plugin_that_changes_its_process_is_a_note(told, tmp_path):
    """It is loaded, and each change is told; it is no reason to fail."""
    (tmp_path / "leaver.py").write_text("import os\nos.environ['LEFT'] = 'x'\nNET = 1\n")
    found = told(claim("leaver", "leaver:NET", "leaver", _ARCHITECTURES))

    assert found[0] == (
        "leaver",
        "note",
        "leaver 1.0 changes its process at import: environment variables: LEFT",
    )


def test_a_plugin_that_hangs_is_wrong_with_its_line(told, tmp_path, monkeypatch):
    """It does not hold up the others for a minute."""
    (tmp_path / "naps.py").write_text("import time\ntime.sleep(3600)\n")
    monkeypatch.setenv("ZOO_IMPORT_SECONDS", "0.2")
    ((_, level, text),) = told(claim("naps", "naps:NET", "naps", _ARCHITECTURES))

    assert level == "wrong"
    assert (
        "naps is broken: its import does not end: it did nothing new for 0.2 s (naps.py:2)" in text
    )


def test_a_clash_names_who_has_the_name_and_what_to_say(told):
    """Between plugins nobody has it; a built-in keeps it."""
    one, other = (claim("net", "json:dumps", who, _ARCHITECTURES) for who in ("one", "other"))
    built_in = claim("net", "json:dumps", "zoo-bench", _ARCHITECTURES)

    assert ("clash", "note", f"'net' in {_ARCHITECTURES} is claimed by 2: nobody has it; "
            "use one/net, other/net") in told(one, other)  # fmt: skip
    assert ("clash", "note", f"'net' in {_ARCHITECTURES} is claimed by 2: zoo-bench has it; "
            "use other/net, zoo-bench/net") in told(built_in, other)  # fmt: skip


@pytest.mark.parametrize("group", ["zoo.architecture", "zoo_architectures", "zoo.models"])
def test_a_misspelt_group_is_wrong(told, group):
    """Nobody would ever read it."""
    found = told(claim("net", "json:dumps", "author", group))

    assert [each[:2] for each in found] == [("author", "wrong"), ("plugins", "fine")]
    assert f"entry-point group {group!r}, which is unknown" in found[0][2]


def test_another_tools_group_is_nobodys_business(told):
    """Only what looks like one of ours is told of."""
    found = told(claim("net", "json:dumps", "author", "console_scripts"))

    assert [each[0] for each in found] == ["plugins"]


def test_a_plugin_that_is_left_out_is_not_loaded(told, monkeypatch):
    """ZOO_PLUGINS names others."""
    monkeypatch.setenv("ZOO_PLUGINS", "others")
    found = told(claim("gone", "nobody_has_this:NET", "gone", _ARCHITECTURES))

    assert found == [("gone", "note", "ignored, because ZOO_PLUGINS does not name it")]


@pytest.mark.parametrize(
    ("written", "stale"),
    [
        ('[project.entry-points."zoo.architectures"]\nmine = "mine:NET"\n', False),
        ('[project.entry-points."zoo.architectures"]\nmine = "mine:OTHER"\n', True),
        ('[project.entry-points."zoo.architectures"]\nnew = "mine:NET"\n', True),
        ('[project]\ndynamic = ["entry-points"]\n', False),
        ("[project\n", False),
    ],
)
def test_an_editable_installation_that_is_stale_is_wrong(monkeypatch, tmp_path, written, stale):
    """Its entry points are read from the installation, not from the pyproject.toml it has now."""
    (tmp_path / "pyproject.toml").write_text(written)
    files = {
        "direct_url.json": _EDITABLE.replace("/SOURCE", str(tmp_path)),
        "entry_points.txt": "[zoo.architectures]\nmine = mine:NET\n",
    }
    monkeypatch.setattr(doctor_plugins, "distributions", lambda: [Installed("mine", **files)])
    found = [each.level for each in doctor_plugins._stale()]

    assert found == (["wrong"] if stale else [])


def _unmet(monkeypatch, owner, requires, **installed):
    """Return the findings where `owner` alone is installed, with these requirements."""

    def distribution(name):
        if name != owner:
            raise PackageNotFoundError(name)
        return SimpleNamespace(requires=requires)

    def version(name):
        if name not in installed:
            raise PackageNotFoundError(name)
        return installed[name]

    monkeypatch.setattr(doctor, "distribution", distribution)
    monkeypatch.setattr(doctor, "version", version)
    return list(doctor._unmet())


def test_a_torchvision_for_another_torch_is_wrong(monkeypatch):
    """It says itself which one it was built for; the error it would give later is named."""
    requires = ["numpy", "torch==2.12.0"]
    (found,) = _unmet(monkeypatch, "torchvision", requires, torch="2.14.1+cpu")

    assert found.level == "wrong"
    assert "was built for torch==2.12.0, not 2.14.1+cpu" in found.text


@pytest.mark.parametrize("requirement", ["torch==2.14.1", "torch>=2.14.0"])
def test_a_torchvision_for_this_torch_is_fine(monkeypatch, requirement):
    """A local version, `+cpu`, is the same release; some torchvisions fit several."""
    assert _unmet(monkeypatch, "torchvision", [requirement], torch="2.14.1+cpu") == []


@pytest.mark.parametrize(
    ("installed", "level"), [("2.8.0", "wrong"), ("2.9.0", None), ("3.1", None)]
)
def test_a_version_that_is_too_old_is_wrong(monkeypatch, installed, level):
    """By what zoo-bench requires itself; newer ones are fine, and so is a missing extra."""
    requires = ["torch>=2.9", 'onnx>=1.22; extra == "onnx"']
    found = _unmet(monkeypatch, "zoo-bench", requires, torch=installed)

    assert [each.level for each in found] == ([level] if level else [])
    assert all("2.8.0, but zoo-bench needs >=2.9: `pip install" in each.text for each in found)


def test_a_package_that_is_not_installed_is_wrong(monkeypatch):
    """Whatever zoo-bench requires."""
    (found,) = _unmet(monkeypatch, "zoo-bench", ["msgspec>=0.19"])

    assert (found.about, found.level) == ("msgspec", "wrong")
    assert "not installed" in found.text


def test_a_container_without_the_systems_libraries_is_told_which(monkeypatch):
    """OpenCV needs some that a slim one lacks."""
    missing = "libGL.so.1: cannot open shared object file: No such file or directory"
    monkeypatch.setitem(doctor._IMPORTS, "opencv-python", f"raise ImportError('{missing}')")
    found = doctor._of_import("opencv-python")

    assert found.level == "wrong"
    assert "`apt-get install libgl1 libglib2.0-0`" in found.text


def test_a_library_that_can_not_be_imported_is_told(monkeypatch):
    """By the last line of what it says."""
    monkeypatch.setitem(doctor._IMPORTS, "torch", "raise RuntimeError('no nms')")

    assert doctor._of_import("torch") == Finding(
        about="torch", level="wrong", text="cannot be imported: RuntimeError: no nms"
    )


def test_a_library_that_hangs_is_told(monkeypatch):
    """It is not waited for any longer."""
    monkeypatch.setitem(doctor._IMPORTS, "torch", "import time; time.sleep(600)")
    monkeypatch.setattr(doctor, "_PATIENCE_SECONDS", 0.2)

    assert doctor._of_import("torch").text == "not imported in 0.2 s"


def test_a_folder_that_does_not_exist_yet_has_room(tmp_path):
    """What counts is the disk that it would lie on."""
    found = doctor._room("cache", tmp_path / "a" / "b", "for pixels")

    assert found.level in ("fine", "note")
    assert "GB free; for pixels" in found.text


@pytest.fixture
def looked_at(monkeypatch, tmp_path):
    """A machine on which libraries are imported at once, and one plugin is installed."""
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(doctor, "_IMPORTS", dict.fromkeys(("torch", "timm"), "pass"))
    monkeypatch.setattr(doctor_plugins, "distributions", lambda: ())
    found = EntryPoints([claim("mine", "json:dumps", "mine", _ARCHITECTURES)])
    monkeypatch.setattr(doctor_plugins, "entry_points", lambda **wanted: found.select(**wanted))


def test_a_sound_machine_is_told_line_by_line(zoo, looked_at, monkeypatch):
    """Versions, device, threads, memory, folders and plugins; then that all is well."""
    monkeypatch.setattr(doctor.os, "getloadavg", lambda: (0.0, 0.0, 0.0))
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: SimpleNamespace(free=9e9))
    code, out, _ = zoo("doctor")
    lines = [" ".join(line.split()) for line in out.splitlines() if line.strip()]
    abouts = [line.split()[1] for line in lines[:-1]]

    assert code == 0
    assert abouts[:3] == ["python", "zoo-bench", "torch"]
    assert {"device", "threads", "memory", "cache", "runs", "mine"} <= set(abouts)
    assert any(line.endswith("9 GB free; the default of `zoo bench`") for line in lines)
    assert lines[-1] == "no problems"


def test_what_is_wrong_stands_last_and_ends_with_its_code(zoo, looked_at, monkeypatch):
    """A library that can't be imported: exit code 4, on a terminal and in JSON."""
    monkeypatch.setattr(doctor, "_IMPORTS", {"timm": "raise ImportError('libfoo.so')"})
    code, out, _ = zoo("doctor")
    in_json, plain, _ = zoo("doctor", "--json")
    wrong = [each for each in json.loads(plain) if each["level"] == "wrong"]

    assert (code, in_json) == (4, 4)
    assert out.splitlines()[-1].strip() == "1 to fix"
    assert "cannot be imported: ImportError: libfoo.so" in out.splitlines()[-2]
    assert [each["about"] for each in wrong] == ["timm"]


def test_a_device_that_can_not_be_asked_is_wrong(looked_at, monkeypatch):
    """Whatever torch raises there."""
    monkeypatch.setattr("bench.system.device.choose_device", _raise)
    found = {each.about: each for each in doctor.machine()}

    assert found["device"].level == "wrong"
    assert found["device"].text == "RuntimeError: no driver"


def _raise(name):
    raise RuntimeError("no driver")


def test_much_load_and_little_room_are_noted(looked_at, monkeypatch, tmp_path):
    """They make times longer, and runs end; they keep nobody from beginning one."""
    monkeypatch.setattr(doctor.os, "getloadavg", lambda: (999.0, 0.0, 0.0))
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: SimpleNamespace(free=1e9))
    found = {each.about: each for each in doctor.machine()}

    assert found["load"].level == found["runs"].level == found["cache"].level == "note"
    assert found["load"].text.startswith("999.0 processes compete for the cores")


def test_a_folder_that_is_not_ours_to_write_to_is_wrong(looked_at, monkeypatch):
    """Where runs would go, say."""
    monkeypatch.setattr(doctor.os, "access", lambda *_: False)
    found = {each.about: each for each in doctor.machine()}

    assert found["runs"].level == "wrong"
    assert found["runs"].text.endswith("is not writable")


def test_a_package_that_is_gone_is_wrong():
    """The program can't be whole without it."""
    found = doctor._of_package("no-such-package")

    assert (found.level, found.text) == ("wrong", "not installed: reinstall zoo-bench")
