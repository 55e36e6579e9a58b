# Every target sets up what it needs. Python 3.11 or newer, make and git are all that must be there.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

export NO_ALBUMENTATIONS_UPDATE := 1
export DO_NOT_TRACK := 1
export MLFLOW_DISABLE_TELEMETRY := true
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: setup repro test ui lint bench lock clean

setup: $(READY)

$(READY): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "make: $(PYTHON) is %d.%d, expected Python 3.11 or newer; name one: make PYTHON=python3.12" % sys.version_info[:2])'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --requirement requirements.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $(READY)

repro: setup
	$(BIN)/dvc repro

test: setup
	$(BIN)/python -m pytest

ui: setup
	$(BIN)/mlflow ui --host 127.0.0.1 --backend-store-uri "$${MLFLOW_TRACKING_URI:-sqlite:///mlflow.db}"

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: setup
	$(BIN)/python -m benchmarks

# Pins every version for every platform; no index address gets into the file.
lock: setup
	$(BIN)/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 \
		--no-emit-index-url --no-annotate --custom-compile-command "make lock" --output-file requirements.txt

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache
