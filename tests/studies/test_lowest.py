"""The lowest versions that `make test-lowest` installs are those of pyproject.toml."""

from __future__ import annotations

import pytest
from lowest import lowest


def test_the_lowest_release_of_each_is_asked_for():
    """Of dependencies and of optional features; tools of developers are as they come."""
    extras = {"mlflow": ["mlflow-skinny>=3.2,<4"], "docs": ["sphinx>=8"], "dev": ["pytest"]}
    project = {"dependencies": ["torch>=2.9"], "optional-dependencies": extras}

    assert lowest(project) == ["torch==2.9", "mlflow-skinny==3.2"]


@pytest.mark.parametrize("text", ["torch", "torch<3", "torch==2.9"])
def test_a_requirement_without_a_lower_bound_is_refused(text):
    """Nobody could say whether it is true."""
    with pytest.raises(ValueError, match="has no lower bound"):
        lowest({"dependencies": [text], "optional-dependencies": {}})
