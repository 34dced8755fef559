from __future__ import annotations

import pytest

from registry import Catalog, Contract
from registry.errors import ContractError, RegistryError
from registry.frozen import FILE, Frozen, FrozenContract, read_frozen, write_frozen
from registry.verify import verify

_CONTRACT = Contract(input_shape=(1, 32, 32), output_shape=(2,), parameters=61_026)
_NAMES = ["lenet5", "timm:resnet18.a1_in1k", "a/b", 'quote"d', "caf\u00e9.py:Net", "back\\slash"]


def test_what_is_written_is_read_again(tmp_path):
    """Whatever a name is made of."""
    kept = {name: FrozenContract(contract=_CONTRACT, origin=name) for name in _NAMES}
    write_frozen(tmp_path / FILE, kept)

    assert read_frozen(tmp_path / FILE).contracts == kept
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_the_nearest_file_above_is_found(tmp_path):
    """As other tools find a project's settings."""
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    write_frozen(tmp_path / FILE, {"lenet5": FrozenContract(contract=_CONTRACT, origin="")})

    assert Frozen.found(below).path == (tmp_path / FILE).resolve()


def test_a_frozen_contract_is_enforced(tmp_path, monkeypatch):
    """A network that is no longer what it was is not trained; it is said who promised it."""
    other = Contract(input_shape=(1, 32, 32), output_shape=(2,), parameters=61_025)
    write_frozen(tmp_path / FILE, {"lenet5": FrozenContract(contract=other, origin="")})
    monkeypatch.chdir(tmp_path)

    with pytest.raises(
        ContractError, match=r"as frozen in zoo-contracts\.toml: 61,026 parameters, promised 61,025"
    ):
        verify(Catalog.installed().get("lenet5").value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[lenet5\n", "cannot be read: TOMLDecodeError"),
        ("lenet5 = 3\n", r"\[lenet5\] is not a contract: TypeError: it is not a table"),
        ("[lenet5]\ninput_shape = [1, 32, 32]\noutput_shape = [2]\n", "KeyError: 'parameters'"),
        (
            "[lenet5]\ninput_shape = [1, 32, 32]\noutput_shape = [2]\nparameters = true\n",
            "True is not a whole number",
        ),
        (
            "[lenet5]\ninput_shape = [32, 32]\noutput_shape = [2]\nparameters = 1\n",
            "not enough values",
        ),
    ],
)
def test_a_damaged_file_is_told(tmp_path, text, reason):
    """Nothing is enforced half."""
    (tmp_path / FILE).write_text(text)

    with pytest.raises(RegistryError, match=reason):
        read_frozen(tmp_path / FILE)


def test_what_is_no_longer_as_it_was_frozen_is_told(tmp_path, monkeypatch, zoo):
    """`zoo contract diff`: each field, measured beside frozen; exit code 4, else 0."""
    kept = {"lenet5": FrozenContract(contract=_CONTRACT, origin="")}
    write_frozen(tmp_path / FILE, kept)
    monkeypatch.chdir(tmp_path)
    same, _, _ = zoo("contract", "diff")
    changed = Contract(input_shape=(1, 32, 32), output_shape=(2,), parameters=7)
    write_frozen(tmp_path / FILE, {"lenet5": FrozenContract(contract=changed, origin="")})
    code, out, _ = zoo("contract", "diff")

    assert (same, code) == (0, 4)
    assert "parameters 61026, frozen 7" in out
