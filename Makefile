# Every target does its own set-up in .venv. `make demo` and `make test` are all a fresh machine needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready

.PHONY: demo test lint types floors bench clean

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --constraint constraints.txt torch
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[dev]"
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[reasoning]" \
		|| echo "without a C compiler there is no reasoning-gym: its tests are skipped"
	ln -sfn "$(CURDIR)" $(VENV)/symposia
	touch $@

demo: $(STAMP)
	$(BIN)/python examples/demo.py

test: lint types floors
	$(BIN)/python -m pytest -n 2

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# mypy wants the package under its own name: .venv/symposia is a link to this folder.
types: $(STAMP)
	MYPYPATH=$(VENV) $(BIN)/mypy --package symposia

floors: $(STAMP)
	$(BIN)/lint-imports

bench: $(STAMP)
	for script in benchmarks/perf/*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

clean:
	rm -rf $(VENV) build *.egg-info
