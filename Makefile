# make demo [PHOTOS=DIR]   set up, then the whole pipeline in minutes: demo/report.html
# make test                set up, then lint, types, spelling, docs and tests
# Both create .venv on the first run; later runs start at once.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
PIN := -c constraints.txt
CODE := src tests $(patsubst %/,%,$(sort $(dir $(wildcard benchmarks/*.py scripts/*.py examples/*.py))))
PROSE := $(CODE) docs $(wildcard recipes) README.md CHANGELOG.md
PHOTOS ?=
OUT ?= demo
SIZE ?= full
TASK ?= grounded_detection
CHECK ?=

.DEFAULT_GOAL := help
.PHONY: help demo test lint format types spelling pytest docs docs-serve pins clean distclean

help:
	@sed -n 's/^# //p' Makefile | head -3
	@echo 'also: lint format types spelling pytest docs docs-serve pins clean distclean'

demo: $(VENV)/.demo
	$(BIN)/groundsight demo --task "$(TASK)" --size "$(SIZE)" --out "$(OUT)" \
	  $(if $(PHOTOS),--photos "$(PHOTOS)") $(if $(CHECK),--check)

test: lint types spelling docs pytest

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(VENV)/.dev
	$(BIN)/mypy $(CODE)

spelling: $(VENV)/.dev
	$(BIN)/codespell $(PROSE)

# One worker a core.
pytest: $(VENV)/.dev
	$(BIN)/python -m pytest -n auto --dist worksteal

docs: $(VENV)/.dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

docs-serve: $(VENV)/.dev
	$(BIN)/mkdocs serve

# Resolve everything anew for Python 3.11 and write the result into constraints.txt.
pins:
	rm -rf $(VENV)-pins
	$(PYTHON) -m venv $(VENV)-pins
	$(VENV)-pins/bin/pip install --quiet ".[dev]"
	sed -n '/^#/p' constraints.txt > constraints.new
	$(VENV)-pins/bin/pip freeze --exclude groundsight \
	  | sed -E 's/\+cpu$$//; / @ /d; /^(nvidia-|cuda-|triton)/d' >> constraints.new
	mv constraints.new constraints.txt
	rm -rf $(VENV)-pins

clean:
	rm -rf demo demo-out site dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find $(CODE) -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean
	rm -rf $(VENV)

# A stamp is written last, so a set-up that was cut short starts over.
$(VENV)/.%: $(VENV)/.python pyproject.toml constraints.txt
	@echo 'Installing groundsight[$*] into $(VENV) …'
	$(PIP) install --quiet $(PIN) --editable '.[$*]'
	@touch $@

$(VENV)/.python:
	@command -v $(PYTHON) >/dev/null || { \
	  echo 'There is no $(PYTHON) here: install Python 3.11 or newer, or name one: make PYTHON=python3.12' >&2; \
	  exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo 'groundsight needs Python 3.11 or newer; $(PYTHON) is' \
	    "$$($(PYTHON) --version 2>&1 | head -1). Name another: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; \
	  exit 2; }
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV) || { \
	  echo 'Could not create $(VENV); on Debian and Ubuntu: apt-get install python3-venv' >&2; exit 2; }
	@touch $@
