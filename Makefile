# SPDX-License-Identifier: BSD-2-Clause
# `make demo` and `make test` set up what they need on a fresh machine; `make setup` does only that, and
# `make import` adds what models of one's own (TFLite, ONNX) need, `make train` what training needs besides, as `make test-full` does.
# YES=1 installs packages without asking.

PYTHON ?= $(firstword $(foreach v,3.13 3.12 3.11,$(shell python$(v) -c 'import venv, ensurepip; print("python$(v)")' 2>/dev/null)))
STAMP = .venv/requirements.stamp
IMPORT_STAMP = .venv/requirements-import.stamp
TRAIN_STAMP = .venv/requirements-train.stamp
JOBS ?= 2

# LiteX's own makefiles have a PYTHON too: ours must not reach them.
MAKEOVERRIDES =
unexport PYTHON

.PHONY: setup import train packages demo test test-full bitstream-ecp5

setup: packages $(STAMP)

packages:
	@test -x .venv/bin/python || test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 with its venv module is needed: install it (python3-venv), or name it by PYTHON=..."; exit 1; }
	@YES=$(YES) $(if $(PYTHON),$(PYTHON),.venv/bin/python) -m targets.packages

$(STAMP): requirements.txt | packages
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

import: setup $(IMPORT_STAMP)

$(IMPORT_STAMP): requirements-import.txt $(STAMP)
	.venv/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-import.txt
	touch $@

train: import $(TRAIN_STAMP)

$(TRAIN_STAMP): requirements-train.txt $(IMPORT_STAMP)
	.venv/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-train.txt
	touch $@

demo: setup
	@./build.py --target sim --model digits --count 32 --run --cpu --pictures --jobs $(JOBS)

# By Yosys, nextpnr and ecppack from PyPI; many minutes.
bitstream-ecp5: setup
	./build.py --target ulx3s --build

test: import
	.venv/bin/python -m pytest -n $(JOBS) -m "not full"

test-full: train
	.venv/bin/python -m pytest -n $(JOBS)
