# Every target does all the set-up it needs; a second call does nothing twice.
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3)
BIN := .venv/bin
SYSTEM := libportaudio2 libsndfile1 libgl1
SYSTEM_TEST := $(SYSTEM) jackd2 libjack-jackd2-0 jack-midi-clock liblo-tools mediainfo puredata-core \
	xvfb xdotool imagemagick libgl1-mesa-dri libglx-mesa0 \
	supercollider-language $(if $(shell command -v npm),,nodejs npm)

# What plays, trains in several processes or draws without a GPU has the machine to itself, and is tried again where it lost
# cycles to others: JACK without real time drops what comes too late.
TIMED := tests/live tests/panel tests/train/test_parallel.py

.PHONY: help demo test windows check bench fuzz soak patches screenshots clean

help: ## Say what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

demo: .venv/.run ## Set up, render the demo model, steer it over OSC, say where the files are
	@$(BIN)/python examples/demo.py

test: .venv/.test ## Set up and run every test but those in a window
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile --durations 20 $(TIMED:%=--ignore=%)
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not window" --durations 20 --reruns 2 --reruns-delay 1 $(TIMED)

windows: .venv/.test ## Set up and run the tests that use mouse and keyboard in a real window, some minutes of them
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m window --reruns 2 --reruns-delay 1 tests/panel

check: .venv/.test ## Format, lint and types
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

bench: .venv/.test ## Speeds and errors, each beside its reference in the same run
	@for bench in tests/benchmarks/bench_*.py; do echo "== $$bench"; $(BIN)/python $$bench || exit 1; done

fuzz: .venv/.test ## Hostile input, twenty times as much as the tests have, from another seed each time
	@SDA_FUZZ=1 OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m fuzz

patches: .venv/.run ## Make the Pure Data and Max patches anew from the registry
	@for make in patches/*/make.py; do $(BIN)/python $$make; done

screenshots: .venv/.test ## Every view of the panel at two sizes, into examples/guide
	@$(BIN)/python tests/panel/screenshots.py

soak: .venv/.test ## Half an hour under load: values, memory, sound (MINUTES=3 for a short one)
	@$(BIN)/python tests/soak.py --minutes $(or $(MINUTES),30)

clean: ## Remove the environment and what was built
	rm -rf .venv build dist demo-out .mypy_cache .ruff_cache .pytest_cache .hypothesis

.venv/.python:
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if (3, 11) <= v < (3, 13) else f"found Python {v.major}.{v.minor}, expected 3.11 or 3.12; say which with: make PYTHON=python3.11 demo")'
	@./.ci/system-packages python3-venv
	@$(PYTHON) -m venv .venv
	@touch $@

.venv/.run: .venv/.python pyproject.toml
	@./.ci/system-packages $(SYSTEM)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[fast]'
	@touch $@

.venv/.test: .venv/.run
	@./.ci/system-packages $(SYSTEM_TEST)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps bigvgan==2.4.1
	@touch $@
