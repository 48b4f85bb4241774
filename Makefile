# Everything a fresh machine needs: python3 and make. PYTHON= chooses another interpreter.
PYTHON ?= python3
VENV := .venv-$(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
READY := $(VENV)/.ready
BIN := $(VENV)/bin
MATRIX := tests/peers/mitmdump/test_matrix.py
FUZZ_S ?= 20
TARGET ?=

.PHONY: demo test lint samples peers fuzz audit

demo: $(READY)
	rm -f demo.sqlite
	$(BIN)/gms-replay demo --cassette demo.sqlite

# Twice as many at a time as there are cores on the machine of CI: most tests wait for processes, and for people that
# are simulated. Files begin in the order of tests/conftest.py, not by their count of tests.
test: $(READY)
	$(BIN)/python -m pytest --numprocesses 4 --dist loadfile --no-loadscope-reorder --ignore $(MATRIX)

# Every recording, by each Bayeux client, replayed to each; prints the matrix.
# Wants Node, `npm ci` in tests/peers, and Chromium.
peers: $(READY)
	$(BIN)/python -m pytest $(MATRIX)

# Looks, for FUZZ_S seconds each, for what breaks the invariants in fuzz/; what it finds stays as fuzz/crash-….
# TARGET=player tries that one alone.
fuzz: $(VENV)/.fuzz
	PYTHONPATH=tests $(BIN)/python fuzz -max_total_time=$(FUZZ_S) $(TARGET)

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

$(VENV)/audit/.ready: $(READY)
	$(PYTHON) -m venv $(VENV)/audit
	$(VENV)/audit/bin/python -m pip install --quiet --constraint constraints.txt pip-audit
	touch $@

$(VENV)/.fuzz: $(READY)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev,fuzz]'
	touch $@
