# SPDX-License-Identifier: BSD-2-Clause
# `make test` sets up what it needs on a fresh machine and runs the tests; `make setup` does only the set-up.

PYTHON ?= $(firstword $(foreach v,3.13 3.12 3.11,$(shell python$(v) -c 'import venv, ensurepip; print("python$(v)")' 2>/dev/null)))
STAMP = .venv/requirements.stamp

.PHONY: setup test test-full

setup: $(STAMP)

$(STAMP): requirements.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 with its venv module is needed: install it, or name it by PYTHON=..."; exit 1; }
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet -r requirements.txt
	touch $@

test: setup
	.venv/bin/python -m pytest -n 2 -m "not full"

test-full: setup
	.venv/bin/python -m pytest -n 2
