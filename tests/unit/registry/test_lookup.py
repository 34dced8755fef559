from __future__ import annotations

import sys

import pytest

from registry.lookup import object_at


def test_a_text_means_an_object_of_a_module():
    """Or one of a class in it."""
    import fractions

    assert object_at("fractions:Fraction") is fractions.Fraction
    assert object_at("fractions:Fraction.limit_denominator") is fractions.Fraction.limit_denominator


@pytest.mark.parametrize(
    ("path", "error"),
    [("fractions:Fracture", AttributeError), ("no_such_module:Net", ModuleNotFoundError)],
)
def test_what_is_not_there_is_raised(path, error):
    """Who asks makes the message of it."""
    with pytest.raises(error, match=r"Fracture|no_such_module"):
        object_at(path)


def test_what_a_module_raises_comes_through(tmp_path, monkeypatch):
    """Even an exit: it is the caller's to catch."""
    (tmp_path / "leaving_module.py").write_text("raise SystemExit(3)")
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(SystemExit, match="3"):
        object_at("leaving_module:NET")
    assert "leaving_module" not in sys.modules
