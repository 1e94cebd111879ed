# Two commands on a fresh machine: `make demo`, `make test`.
PYTHON ?= python3
BIN := .venv/bin
RUN := runs/demo

.PHONY: demo base gpu tables studio test test-all coverage lint format install docs clean

# The torch to install: `cpu`, some 200 MB, or `cuda`, some gigabytes; by whether the machine has an NVIDIA GPU.
TORCH ?= $(shell command -v nvidia-smi >/dev/null 2>&1 && echo cuda || echo cpu)
# PyTorch's own index of builds for processors alone. Where it does not answer, the package index has torch, too.
TORCH_INDEX := https://download.pytorch.org/whl/cpu
ANSWERS := $(BIN)/python -c "import urllib.request; urllib.request.urlopen('$(TORCH_INDEX)/torch/', timeout=10)" 2>/dev/null
PIP := $(BIN)/python -m pip install --quiet --constraint constraints.txt

install: .venv/.installed

# torch comes first, and what needs it finds it there; its version comes from constraints.txt.
.venv/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
ifeq ($(TORCH),cpu)
	@$(ANSWERS) && $(PIP) --index-url $(TORCH_INDEX) torch \
	|| echo "no torch from $(TORCH_INDEX): it comes from the package index (on Linux with CUDA, some gigabytes)"
endif
	$(PIP) --editable ".[miniature,annotate,endpoint,guard,ray,watch,xlsx,studio]" --group dev
	@touch $@

demo: install
	$(BIN)/safecotc run recipes/demo.yaml --out $(RUN)

# The miniature's base model ships; this trains it again, in some forty minutes.
base: install
	$(BIN)/python -m safecot_dsl.miniature policies/miniature.safecot recipes/miniature-base

# The study on Qwen2.5-VL (studies/safecot/qwen.md), on a machine with an NVIDIA GPU: it checks the machine, says what is
# fetched, measures and plans the hours, runs, and writes the tables; killed, it goes on. `make gpu DRY=1` prints the plan
# on any machine. OPTIONS go to it: `make gpu OPTIONS="--without siuo mm_safetybench mmbench"`.
gpu:
ifeq ($(DRY),)
	@command -v nvidia-smi >/dev/null 2>&1 || { echo "There is no NVIDIA GPU here (no nvidia-smi): nothing was \
	installed or fetched. 'make gpu DRY=1' prints the plan." >&2; exit 1; }
endif
	@$(MAKE) --no-print-directory install
	$(BIN)/python -m studies.safecot.gpu $(if $(DRY),--dry-run) $(OPTIONS)

# The parser's tables, to be made again after every change of the grammar; a test holds them against it.
tables: install
	$(BIN)/python -m safecot_dsl.compiler.syntax grammar/safecot.tables.json

# The studio's page, in safecot_dsl/studio/page, which is committed: who installs the package needs no Node. This does
# (20.19 or later); the same sources and lock file give the same bytes.
studio:
	cd studio && npm ci --no-audit --no-fund && npm run build

# Processes that run tests. A third has work on two cores while others wait, and is not trusted yet (docs/design/testing.md).
PROCESSES ?= 2
PYTEST := $(BIN)/python -m pytest --numprocesses $(PROCESSES) --dist loadfile

# Properties are tried on a quarter of the examples of `make test-all`, where SAFECOT_EXAMPLES_FACTOR says nothing else.
test coverage: export SAFECOT_EXAMPLES_FACTOR := $(or $(SAFECOT_EXAMPLES_FACTOR),0.25)

# Whatever the caller's environment says: each process would rewrite the asserts of Hypothesis and of the package anew.
test test-all coverage: export PYTHONDONTWRITEBYTECODE :=

test: install
	$(PYTEST) -m "not long"

test-all: install
	$(PYTEST)

# What lines and branches of the package `make test` runs, the commands and servers that tests start included, and which
# test ran what: `python -m tests.contexts`. In build/coverage, `html` shows each line, and `alone` counts those of one test.
coverage: install
	rm -rf build/coverage && mkdir -p build/coverage
	$(PYTEST) -m "not long" -p tests.contexts --cov --cov-context=test --cov-report=
	$(BIN)/python -m coverage html --quiet --directory build/coverage/html
	$(BIN)/python -m tests.contexts > build/coverage/alone
	@head -n 1 build/coverage/alone

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
	rm -rf .venv .venv-docs build dist runs studio/node_modules
