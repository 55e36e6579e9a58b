# Every target sets up what it needs. Python 3.11 or newer, make and git are all that must be there.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

export NO_ALBUMENTATIONS_UPDATE := 1
export DO_NOT_TRACK := 1
export MLFLOW_DISABLE_TELEMETRY := true
export ORT_DISABLE_TELEMETRY := 1
export NO_MKDOCS_2_WARNING := 1
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: setup repro test nightly ui lint docs docs-serve bench weights restorer-weights finder-weights lock clean

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

# The commands of README and docs that take minutes, in a tiny form.
nightly: setup
	RECHROMA_NIGHTLY=1 $(BIN)/python -m pytest -m nightly

# The page of all runs: make ui PORT=5001
PORT ?= 5000

ui: setup
	@$(BIN)/python -m rechroma.tracking.ui '$(PORT)'

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The site in site/; a broken link, a missing page or an anchor that is not there is an error.
docs: setup
	$(BIN)/mkdocs build --strict

docs-serve: setup
	$(BIN)/mkdocs serve --dev-addr 127.0.0.1:8000

# QUICK=1: tiny sizes and few repeats, only to see that everything runs.
bench: setup
	$(BIN)/python -m benchmarks $(if $(QUICK),--quick)
	$(if $(QUICK),OMP_NUM_THREADS=1) $(BIN)/python -m benchmarks.bench_onnx $(if $(QUICK),--quick)
	$(if $(QUICK),OMP_NUM_THREADS=1) $(BIN)/python -m benchmarks.bench_album $(if $(QUICK),--quick)

# Trains both bundled models and the finder again, hours on 2 cores: make weights PHOTOS=/path/to/photos
# The folder holds train/, validation/ and large/, and may hold more/ with more photographs to train on.
# The models are scored on validation/ and large/ at the end, and on the competition's pairs with
# COMPETITION=/path/to/open.zip or its folder; validation/ chooses the finder's thresholds. Given again,
# the command goes on where it was interrupted. `make finder-weights` makes the finder alone.
weights: restorer-weights finder-weights

FINDER_SAMPLES ?= 60000
FINDER_PHOTOS = $(PHOTOS)/train $(wildcard $(PHOTOS)/more)
HAS_PHOTOS = test -d "$(PHOTOS)/train" || { echo "make: PHOTOS is '$(PHOTOS)', expected a folder with train/, validation/ and large/: make weights PHOTOS=…" >&2; exit 2; }

EVALUATED = --evaluate $(PHOTOS)/validation:256 --evaluate $(PHOTOS)/large:512 $(if $(COMPETITION),--evaluate $(COMPETITION):512)

.NOTPARALLEL:

restorer-weights: setup
	@$(HAS_PHOTOS)
	$(BIN)/rechroma study weights -S data.path=$(abspath $(PHOTOS))
	$(BIN)/rechroma ship weights $(EVALUATED)
	$(BIN)/rechroma study eye -S data.path=$(abspath $(PHOTOS))
	$(BIN)/rechroma ship eye --aim eye $(EVALUATED)

finder-weights: setup
	@$(HAS_PHOTOS)
	$(BIN)/rechroma train-finder $(FINDER_PHOTOS) --out .rechroma/finder/weights -S finder.samples=$(FINDER_SAMPLES)
	$(BIN)/rechroma ship --finder .rechroma/finder/weights --thresholds $(PHOTOS)/validation --evaluate $(PHOTOS)/large:512

# Pins every version for every platform; no index address gets into the file.
lock: setup
	$(BIN)/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 \
		--no-emit-index-url --no-annotate --custom-compile-command "make lock" --output-file requirements.txt

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache
