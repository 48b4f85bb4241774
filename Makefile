# Everything a fresh machine needs: python3 and make. PYTHON= chooses another interpreter.
PYTHON ?= python3
VENV := .venv-$(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
READY := $(VENV)/.ready
BIN := $(VENV)/bin
PYTEST := -m pytest --numprocesses 4 --dist loadfile --no-loadscope-reorder
MATRIX := tests/peers/mitmdump/test_matrix.py
FUZZ_S ?= 20
FUZZ_SEED ?= 0
TARGET ?=

.PHONY: demo test lint samples peers fuzz audit coverage coverage-all test-lowest test-newest

demo: $(READY)
	rm -f demo.sqlite
	$(BIN)/gms-replay demo --cassette demo.sqlite

# Twice as many at a time as there are cores on the machine of CI: most tests wait for processes, and for people that
# are simulated. Files begin in the order of tests/conftest.py, not by their count of tests.
test: $(READY)
	$(BIN)/python $(PYTEST) --ignore $(MATRIX)

# Every recording, by each Bayeux client, replayed to each; prints the matrix.
# Wants Node, `npm ci` in tests/peers, and Chromium.
peers: $(READY)
	$(BIN)/python -m pytest $(MATRIX)

# Each flat module by its own twin alone, all branches; prints what the twins leave out, and fails for it.
coverage: $(READY)
	$(BIN)/python tests/twins.py

# All of the package by all tests, what runs in processes of its own included.
coverage-all: $(READY)
	$(BIN)/coverage erase
	$(BIN)/coverage run $(PYTEST) --ignore $(MATRIX)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --skip-covered --fail-under 95

# The lowest, and the newest, versions that pyproject.toml admits, each in an environment of its own.
test-lowest: BOUND := lowest-direct
test-newest: BOUND := highest
test-lowest test-newest: $(VENV)/.bounds
	$(BIN)/uv pip compile --quiet pyproject.toml --extra dev --resolution $(BOUND) --python $(BIN)/python \
	    --output-file $(VENV)/$(BOUND).txt >/dev/null
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(VENV)/$(BOUND)
	$(BIN)/uv pip install --quiet --python $(VENV)/$(BOUND)/bin/python --requirement $(VENV)/$(BOUND).txt
	$(BIN)/uv pip install --quiet --python $(VENV)/$(BOUND)/bin/python --no-deps --editable .
	$(VENV)/$(BOUND)/bin/python $(PYTEST) --ignore $(MATRIX)

# Looks, for FUZZ_S seconds each, for what breaks the invariants in fuzz/; what it finds stays as fuzz/crash-….
# TARGET=player tries that one alone, FUZZ_SEED=1 the same inputs each time.
fuzz: $(VENV)/.fuzz
	PYTHONPATH=tests $(BIN)/python fuzz -max_total_time=$(FUZZ_S) -seed=$(FUZZ_SEED) $(TARGET)

# Known vulnerabilities of what is installed here, and of what npm's lock files name. Where nobody could be asked it says
# "not audited", and fails. pip-audit has an environment of its own: it is not to be audited with us.
audit: $(VENV)/audit/.ready
	$(BIN)/python audit

# Takes some minutes: people are slow.
samples: $(READY)
	PYTHONPATH=tests $(BIN)/python cassettes/record.py cassettes

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# `.venv` always leads to the environment that was made last: `. .venv/bin/activate`.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14) and \
	    "gms_replay needs Python 3.11 to 3.13, not %d.%d: make PYTHON=python3.13, say" % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	ln -sfn $(VENV) .venv
	touch $@

$(VENV)/.bounds: $(READY)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt uv
	touch $@

$(VENV)/audit/.ready: $(READY)
	$(PYTHON) -m venv $(VENV)/audit
	$(VENV)/audit/bin/python -m pip install --quiet --constraint constraints.txt pip-audit
	touch $@

$(VENV)/.fuzz: $(READY)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev,fuzz]'
	touch $@
