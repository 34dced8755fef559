# Two commands that do all their own set-up in a fresh checkout.
#   make bench   the main job: compare LeNet and AlexNet on the embedded data
#   make test    format, lint, types, import rules, tests
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed

.PHONY: bench test benchmark clean

bench: $(STAMP)
	$(BIN)/zoo bench --models lenet alexnet

test: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest

benchmark: $(STAMP)
	$(BIN)/python -m pytest tests/benchmarks -o addopts= --benchmark-only

$(STAMP): pyproject.toml
	@echo "setting up $(VENV): a few minutes, several GB"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
