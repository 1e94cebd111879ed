# Two commands on a fresh machine: `make demo`, `make test`.
PYTHON ?= python3
BIN := .venv/bin
RUN := runs/demo

.PHONY: demo base tables test test-all lint format install docs clean

install: .venv/.installed

# torch's version comes from constraints.txt; see there.
.venv/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[miniature,annotate,endpoint,guard,ray,watch,xlsx]" --group dev
	@touch $@

demo: install
	$(BIN)/safecotc run recipes/demo.yaml --out $(RUN)

# The miniature's base model ships; this trains it again, in some forty minutes.
base: install
	$(BIN)/python -m safecot_dsl.miniature policies/miniature.safecot recipes/miniature-base

# The parser's tables, to be made again after every change of the grammar; a test holds them against it.
tables: install
	$(BIN)/python -m safecot_dsl.compiler.syntax grammar/safecot.tables.json

test: install
	$(BIN)/python -m pytest -m "not long" --numprocesses 2 --dist loadfile

test-all: install
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

lint: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The site, in build/site; not built where a link or an anchor leads nowhere. (`--quiet` would silence what `--strict` counts.)
docs: .venv-docs/.installed
	.venv-docs/bin/mkdocs build --strict

.venv-docs/.installed: pyproject.toml
	$(PYTHON) -m venv .venv-docs
	.venv-docs/bin/python -m pip install --quiet --upgrade "pip>=25.1"
	.venv-docs/bin/python -m pip install --quiet --group docs
	@touch $@

clean:
	rm -rf .venv .venv-docs build dist runs
