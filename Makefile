# make run and make test set up all they need; nothing else has to be run first.
PYTHON ?= python3
EXTRA ?= $(shell nvidia-smi -L >/dev/null 2>&1 && echo gpu || echo cpu)
PORT ?= 8000

VENV := .venv
BIN := $(VENV)/bin
# Training, and the tests of it, need torch 2.13.0. They are set up with Python 3.11; `make test TRAIN=train` asks for
# them elsewhere (on Linux the ordinary build of torch brings gigabytes of CUDA), `TRAIN=` leaves them out.
TRAIN ?= $(shell $(PYTHON) -c 'import sys; print("train" if sys.version_info[:2] == (3, 11) else "")')
comma := ,
DEV_EXTRAS := $(EXTRA),dev$(if $(TRAIN),$(comma)$(TRAIN))

.PHONY: setup setup-dev run test check format bench bench-service stress soak fuzz image-check sbom audit clean

setup: $(VENV)/.setup-$(EXTRA)

setup-dev: $(VENV)/.setup-dev-$(EXTRA)

run: setup
	$(BIN)/attune serve --port $(PORT)

# bandit: what callers reach at every severity, what only people run from the middle one on.
check: setup-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(if $(TRAIN),,service scripts benchmarks)
	$(BIN)/bandit --quiet --recursive service
	$(BIN)/bandit --quiet --recursive --severity-level medium benchmarks docker examples model_export scripts

test: setup-dev
	$(PYTHON) scripts/system_packages.py chromium nginx haproxy prometheus curl faketime iproute2
	$(BIN)/pytest

format: setup-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Beside the bare libraries and the rivals, in one run; wants the machine for itself.
bench: setup-dev
	$(BIN)/python -m benchmarks --json benchmarks/results.json

# What the documents say of delays and memory.
bench-service: setup-dev
	$(BIN)/python -m benchmarks.memory
	$(BIN)/python -m benchmarks.live --json benchmarks/results/live.json
	$(BIN)/python -m benchmarks.recovery --json benchmarks/results/recovery.json
	$(BIN)/python -m benchmarks.bulk --json benchmarks/results/bulk.json
	PYTHONPATH=tests $(BIN)/python -m benchmarks.first_measurement --json benchmarks/results/first_measurement.json

# Replicas killed ten times in a minute, and restarted in turn behind each balancer ten times in a row.
stress: setup-dev
	$(PYTHON) scripts/system_packages.py nginx haproxy
	$(BIN)/pytest -m stress

# An hour of media in one session, half an hour of everything at once, and three times the callers there is room for.
soak: setup-dev
	$(BIN)/python -m benchmarks.long_session --json benchmarks/results/long_session.json
	PYTHONPATH=tests $(BIN)/python -m benchmarks.mixed_soak --json benchmarks/results/mixed_soak.json
	$(BIN)/python -m benchmarks.load --json benchmarks/results/load.json

# A hundred thousand bad inputs to a running service: about half an hour on two cores. FUZZ="--seed 7 --inputs 5000".
fuzz: setup-dev
	PYTHONPATH=tests $(BIN)/python -m benchmarks.fuzz --json benchmarks/results/fuzz.json $(FUZZ)

# The image built and run without a Docker engine.
image-check:
	$(PYTHON) scripts/system_packages.py buildah curl debootstrap
	$(PYTHON) -m scripts.image_check

# What runs, with versions, licences and hashes, as CycloneDX.
sbom: setup-dev
	mkdir -p dist
	$(BIN)/python -m scripts.sbom dist/attune.cdx.json

# Known vulnerabilities of the exact versions; asks the database of the package index, so it needs the network.
audit: setup-dev
	$(BIN)/pip-audit --strict --no-deps --disable-pip --requirement constraints.txt

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
		|| { echo "Attune needs Python 3.11 to 3.13; name one with PYTHON=python3.11" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV) \
		|| { echo "Attune needs Python's venv module (on Debian: apt install python3-venv)" >&2; exit 1; }

# The two builds of onnxruntime share a folder and break each other, so the other one has to go first.
$(VENV)/.setup-$(EXTRA): pyproject.toml constraints.txt | $(BIN)/python
	@if ls $(VENV)/.setup-* 2>/dev/null | grep -qv -e '-$(EXTRA)$$'; then \
		$(BIN)/pip uninstall --yes onnxruntime onnxruntime-gpu; rm -f $(VENV)/.setup-*; fi
	$(PYTHON) scripts/system_packages.py libgl1 libegl1 libgles2 libglib2.0-0 libseccomp2
	$(BIN)/pip install --constraint constraints.txt --editable '.[$(EXTRA)]'
	$(BIN)/python -m service.assets
	touch $@

$(VENV)/.setup-dev-$(EXTRA): $(VENV)/.setup-$(EXTRA)
	$(BIN)/pip install --constraint constraints.txt --editable '.[$(DEV_EXTRAS)]'
	touch $@
