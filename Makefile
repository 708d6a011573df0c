# Two commands for everybody: `make demo` and `make test`. Both set up what is missing and say so.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

# What PySide6, MuJoCo's renderer and PyAV's codecs need from Debian or Ubuntu, and no more.
SYSTEM := libegl1 libgl1 libgl1-mesa-dri libopengl0 libglib2.0-0 libfontconfig1 libdbus-1-3 \
          libxkbcommon0 libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-image0 \
          libxcb-keysyms1 libxcb-randr0 libxcb-render-util0 libxcb-shape0 libxcb-sync1 \
          libxcb-xfixes0 libxcb-xinerama0 libxcb-xkb1 libx11-xcb1

.PHONY: demo test test-long test-lerobot test-ray test-gym check format lock setup system bench mutants clean

demo: setup ## the whole product once: a robot gets stuck, is rescued, the rescue is proved
	@$(BIN)/unstick demo $(ARGS)

test test-long: export QT_QPA_PLATFORM = offscreen
QUICK := $(BIN)/python -m pytest -q -m "not long"
# Tests with real windows, sockets and processes wait most of the time. These compute, or are in no
# hurry, and run beside them on what they leave over of the processors.
COMPUTE := tests/unit tests/architecture $(wildcard tests/faults/test_episode_*.py) \
           $(patsubst %,tests/system/test_%.py,bad_input pairing replay_pool validate_set)

test: setup ## the quick tests, thirteen minutes on two cores; ARGS="-k lease" for some of them
ifdef ARGS
	@$(QUICK) $(ARGS)
else
	@said=$$(mktemp); trap 'rm -f $$said' EXIT; \
	nice -n 10 $(QUICK) --timeout=600 $(COMPUTE) >$$said 2>&1 & \
	$(QUICK) $(COMPUTE:%=--ignore=%); real=$$?; \
	wait $$!; computed=$$?; cat $$said; \
	exit $$((real > computed ? real : computed))
endif

test-long: setup ## many seeds, soak and faults
	@$(BIN)/python -m pytest -q -m "long" --timeout=1800 $(ARGS)

test-lerobot: setup ## the real LeRobot reads what we export: Python 3.12, 5 GB from PyPI, removed after
	@PYTHONPATH=. $(BIN)/python tests/lerobot/run.py $(ARGS)

test-gym: setup ## real Gymnasium environments are replayed: 1.1 GB from PyPI, removed after
	@PYTHONPATH=. $(BIN)/python tests/gym/run.py $(ARGS)

test-ray: setup ## replays on a real Ray cluster of this machine: 260 MB from PyPI, removed after
	@QT_QPA_PLATFORM=offscreen $(BIN)/python tests/ray/run.py $(ARGS)

check: setup ## format, lint, types, import contracts; no tests
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@PYTHONPATH=. $(BIN)/lint-imports

format: setup
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

mutants: setup ## change what decides about motion in two thousand small ways; 95 % have to fail a test
	@$(BIN)/mutmut run --max-children 2
	@PYTHONPATH=. $(BIN)/python -m tests.mutation.score

bench: setup ## all that is measured, beside its peers, as the README has it; hours on a quiet machine
	@$(BIN)/unstick bench video --soak 30
	@$(BIN)/unstick bench control --seconds 60 --trials 200
	@$(BIN)/unstick bench record
	@$(BIN)/unstick bench replay
	@$(BIN)/unstick bench engines
	@$(BIN)/unstick bench console --seconds 600

lock: ## pin everything with hashes, for Python 3.11 to 3.13 on every platform
	@uv pip compile --universal --generate-hashes --quiet --python-version 3.11 \
	  --no-annotate --extra console --extra sim --group dev --no-emit-package unstick \
	  --custom-compile-command "make lock" pyproject.toml -o requirements.lock

setup: system $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	@echo "Setting up $(VENV) from requirements.lock"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# Installs only what the machine lacks; without the right to install it prints the line and stops.
system:
	@command -v dpkg-query >/dev/null || exit 0; \
	missing=""; \
	for p in $(SYSTEM); do \
	  dpkg-query -W -f='$${db:Status-Status}' $$p 2>/dev/null | grep -q '^installed$$' || missing="$$missing $$p"; \
	done; \
	$(PYTHON) -c 'import ensurepip' 2>/dev/null || missing="$$missing python3-venv"; \
	test -z "$$missing" && exit 0; \
	if [ "$$(id -u)" = 0 ]; then sudo=""; \
	elif sudo -n true 2>/dev/null; then sudo="sudo"; \
	else echo "These system libraries are missing. Please run, then call make again:"; \
	     echo "  sudo apt-get install -y --no-install-recommends$$missing"; exit 1; fi; \
	echo "Installing system libraries:$$missing"; \
	$$sudo apt-get update -qq && \
	DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -qq -o Dpkg::Use-Pty=0 --no-install-recommends $$missing >/dev/null

clean:
	@rm -rf $(VENV) demo-output
