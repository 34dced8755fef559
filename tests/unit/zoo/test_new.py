from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("MyNet", "a new architecture needs a name like my_net, not 'MyNet'"),
        ("class", "a new architecture needs a name like my_net, not 'class'"),
        ("nul", "Windows has no folder named 'nul': choose another name"),
        ("lenet", "the architecture 'lenet' exists: choose another name"),
        ("json", "the Python module 'json' exists: choose another name"),
        ("torch", "the Python module 'torch' exists: choose another name"),
    ],
)
def test_a_name_that_is_taken_or_none_is_refused(zoo, tmp_path, monkeypatch, name, told):
    """One line says why, exit code 2, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    code, _, err = zoo("new", name)

    assert (code, err) == (2, f"zoo: {told}\n")
    assert not [*tmp_path.iterdir()]


def test_a_folder_with_something_in_it_is_left_alone(zoo, tmp_path):
    """An empty one is filled; a second time it is refused, and what is there stays."""
    folder = tmp_path / "mine"
    folder.mkdir()
    code, _, err = zoo("new", "my_net", "--into", folder)
    assert code == 0, err
    written = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    again, _, told = zoo("new", "my_net", "--into", folder)

    assert len(written) == 5
    assert (again, told) == (2, f"zoo: {folder} exists: remove it, or give another "
                                "folder with --into\n")  # fmt: skip
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == written


def test_the_next_commands_are_told(zoo, tmp_path):
    """With the folder and the name that were given."""
    _, out, err = zoo("new", "my_net", "--into", tmp_path / "mine")

    for line in (f"pip install -e {tmp_path / 'mine'}", "zoo check my_net", "zoo list my_net"):
        assert line in out + err
