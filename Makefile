# Two commands: `make run` starts everything, `make test` checks everything. Both set up first.

UV_VERSION := 0.13.8
PYTHON := .venv/bin/python
export UV_PYTHON_DOWNLOADS := never
export DENO_NO_UPDATE_CHECK := 1

# What is installed belongs to this lock, this pyproject and this place, told by one checksum.
STATE := $(shell { cat requirements.lock pyproject.toml; pwd; } | cksum | tr ' \t' '--')
STAMP := .venv/.installed-$(STATE)

.PHONY: help run test assets bootstrap lock clean

help:
	@echo 'make run [ARGS="--port 8080"]   set up and start the demo: embedded database, paper account'
	@echo 'make test                       set up and run every check, as CI does'
	@echo 'make lock                       resolve pyproject.toml into requirements.lock'
	@echo 'make clean                      remove what was installed and built'

run: assets
	.venv/bin/plimsoll demo $(ARGS)

test: assets
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	.venv/bin/lint-imports --no-cache
	$(PYTHON) -m pytest -n 2 $(ARGS)

# npm packages, bundled by the Deno from PyPI; the builder knows itself when nothing changed.
assets: $(STAMP)
	@if [ -f web/assets/build.py ]; then $(PYTHON) -m web.assets.build; fi

bootstrap: $(STAMP)

$(STAMP):
	@UV_VERSION=$(UV_VERSION) .ci/bootstrap
	@rm -f .venv/.installed-*
	@touch $@

# No addresses in it: uv.lock and pip-compile's output name a registry on every line.
lock: $(STAMP)
	.venv/bin/uv lock --quiet
	.venv/bin/uv export --frozen --quiet --format requirements.txt \
		--no-emit-project --no-header --no-annotate --output-file requirements.lock

clean:
	rm -rf .venv web/static/build
