# Two commands that do all their own set-up in a fresh checkout.
#   make bench   the main job: compare LeNet and AlexNet on drawings, to a verdict; installs the package
#   make test    installs all that is tested: format, lint, types, import rules, layout, tests; in a random order: PYTEST='-p randomly'
# Two that ask what the tests are worth: do they notice planted faults, and which lines do they reach?
#   make mutants
#   make coverage
# And one that tries for an hour to break what is promised about kills, damage and full disks, and
# trains each built-in network at its full width until it has learned.
#   make soak
# And one that holds some hundred networks of torchvision and timm to what any must keep: docs/explanation/sweep.md.
#   make sweep
# And one that takes some eighty networks in the manner of public ones through five commands, faults
# and all: docs/explanation/public-networks.md.
#   make public
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/tested
# the index of another build of torch, such as the one for CPUs: make bench TORCH_INDEX=ADDRESS
export TORCH_INDEX
SCRIPT := PYTHONPATH=$(CURDIR)/tests/support:$(CURDIR)/tests/robustness $(BIN)/python

RUN := .benchmarks/latest.json
BASELINE ?= .benchmarks/saved.json
# two workers more than cores, four at most, a file at a time: what a file's tests share is made once
CORES := --numprocesses logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder

.PHONY: bench test test-lowest package gpu rooms coverage mutants soak sweep public chapter simulations reference docs words errors benchmark benchmark-compare benchmark-save benchmark-table clean

bench: $(VENV)/installed
	$(BIN)/zoo demo

test: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(SCRIPT) tests/studies/rooms.py
	$(MAKE) --jobs 2 types suite

.PHONY: types suite
types: $(STAMP)
	$(BIN)/mypy
suite: $(STAMP)
	$(BIN)/python -m pytest $(CORES) $(PYTEST)

# the suite with the lowest release of each dependency, in an environment of its own: docs/reference/versions.md
LOWEST := .venv-lowest
test-lowest: $(LOWEST)/installed
	$(LOWEST)/bin/python -m pytest $(CORES) $(PYTEST)

$(LOWEST)/installed: pyproject.toml tests/studies/lowest.py
	$(PYTHON) -m venv $(LOWEST)
	$(LOWEST)/bin/python tests/studies/lowest.py pyproject.toml > $(LOWEST)/lowest.txt
	@PIP_CONSTRAINT=$(CURDIR)/$(LOWEST)/lowest.txt .ci/install $(LOWEST) '.[dev]'
	@touch $@

# a wheel and an sdist in dist/, checked as PyPI checks them
package: $(STAMP)
	rm -rf dist
	$(BIN)/python -m build --no-isolation
	$(BIN)/twine check --strict dist/*

# what zoo does on a GPU, into docs/gpu.md; without one a trial of the script: build/gpu.md. All options: GPU='--photographs FOLDER'
gpu: $(STAMP)
	$(SCRIPT) tests/studies/gpu.py $(GPU)

# how the code is laid out, in figures; fails where a rule of the layout is broken
rooms: $(STAMP)
	$(SCRIPT) tests/studies/rooms.py

# which lines the tests reach, in processes of their own, too; fails below 95 % of any package
coverage: $(STAMP)
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest $(CORES)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report
	for package in registry zoo bench; do \
		$(BIN)/coverage report --include="$$package/*" --format=total --fail-under=95 || exit 1; \
	done

# each command is a new process, as on a user's machine; scaled down: make soak SOAK='--runs 10 --mutants 200 --attacks 20'
soak: $(STAMP)
	$(BIN)/zoo check --all
	ZOO_TEST_COLD=1 $(SCRIPT) tests/robustness/soak.py $(SOAK)

# a part of it: make sweep SWEEP="--only 'torchvision:*' --limit 20"; a killed one goes on
sweep: $(STAMP)
	$(SCRIPT) tests/studies/sweep.py $(SWEEP)

# a part of it: make public PUBLIC="--only '*vgg*'"; the whole takes a quarter of an hour, and writes the page
public: $(STAMP)
	$(SCRIPT) tests/studies/public_networks.py $(PUBLIC)

benchmark: $(STAMP)
	mkdir -p .benchmarks
	$(BIN)/python -m pytest tests/benchmarks -o addopts= -q --benchmark-only --benchmark-disable-gc \
		--benchmark-columns=median,iqr,rounds --benchmark-json=$(RUN)

# against a saved run: fails where a ratio to the reference is more than 10 % worse
benchmark-compare: benchmark
	$(BIN)/python tests/benchmarks/ratios.py compare $(BASELINE) $(RUN)

benchmark-save: benchmark
	cp $(RUN) $(BASELINE)

# the table in the README, from the saved run
benchmark-table: $(STAMP)
	$(BIN)/python tests/benchmarks/ratios.py table $(BASELINE) --into README.md

# the textbook chapter's result, one change at a time, into docs/explanation/chapter.md: hours, and the photographs
# part of it: make chapter CHAPTER='--only trained relu'
chapter: $(STAMP)
	$(SCRIPT) tests/studies/chapter.py $(CHAPTER)

# how often the intervals and verdicts are right, where the truth is known: some minutes
simulations: $(STAMP)
	$(SCRIPT) tests/studies/simulations.py

# the generated pages of docs/reference/, from the code
reference: $(STAMP)
	$(SCRIPT) tests/studies/reference_pages.py

# the site, in build/docs/index.html; a warning or a dead link is an error. Needs no network
docs: $(STAMP)
	$(BIN)/sphinx-build --fail-on-warning --quiet docs build/docs

# how long sentences are, and words to avoid, with the plain word for each
words: $(STAMP)
	$(SCRIPT) tests/studies/words.py

# every error message that the tests provoke, a line for each place that makes one: build/errors.txt
errors: $(STAMP)
	$(BIN)/python -m pytest $(CORES) -p error_catalogue $(PYTEST)

# can the tests fail: faults planted one at a time in a copy of the code, each to be noticed: minutes
# a part of it: make mutants MUTANTS='--only bench/analysis/stats'
mutants: $(STAMP)
	$(SCRIPT) tests/robustness/mutation.py $(MUTANTS)

# the package alone, then what only tests, docs and optional features need
$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	@.ci/install $(VENV) .
	@touch $@

$(STAMP): $(VENV)/installed
	@.ci/install $(VENV) '.[dev]'
	@touch $@

clean:
	rm -rf $(VENV) $(LOWEST) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
