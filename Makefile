PORT ?= 8787
DATA_DIR ?= .parcimetre
DEVICES ?= 300
DAYS ?= 14
# rewritten tests are cached even where the environment forbids Python to write bytecode: it halves the start
PYTEST := PYTHONDONTWRITEBYTECODE= .venv/bin/pytest
PARALLEL ?= -n 4 --dist worksteal
LOCKED := uv.lock pyproject.toml factors/pyproject.toml agent/pyproject.toml server/pyproject.toml tools/bootstrap.py

.PHONY: help run demo check test test-all test-tools lint format fuzz bench schema tables wine browser oidc \
	msi release test-msi packages repo test-packages clean

help:  ## what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 16

run: .venv/.run  ## collector and this machine's own agent, on 127.0.0.1:$(PORT)
	@PORT=$(PORT) DATA_DIR=$(DATA_DIR) sh tools/run.sh

demo: .venv/.run  ## the same with a simulated fleet of $(DEVICES) devices over $(DAYS) days
	@PORT=$(PORT) DATA_DIR=$(DATA_DIR)-demo DEVICES=$(DEVICES) DAYS=$(DAYS) sh tools/run.sh demo

check: lint  ## while working: lint and all tests but the slow ones; two minutes on two cores
	$(PYTEST) -m "not slow" -n 3 --dist worksteal

test: lint  ## lint and all tests that this machine can run, and what was skipped; at most 20 minutes
	$(PYTEST) $(PARALLEL)

test-all: test-tools lint  ## the same after installing what is missing; fails if a test is skipped
	$(PYTEST) $(PARALLEL) --fail-on-skip --ignore tests/deploy/msi
	PARCIMETRE_MSI=1 $(PYTEST) --fail-on-skip tests/deploy/msi

test-tools: .venv/.dev  ## install all that tests need (Debian, root); fails where something is missing
	@python3 tools/set_up_tests.py

lint: .venv/.dev  ## style, types, sizes, tables, licences
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	for os in win32 darwin; do \
		.venv/bin/mypy --platform $$os --cache-dir .mypy_cache/$$os -p parcimetre_agent || exit 1; done
	.venv/bin/lint-imports --no-logo
	.venv/bin/python tools/check_sizes.py
	.venv/bin/python tools/draw_architecture.py --check
	.venv/bin/python tools/check_tables.py
	.venv/bin/reuse lint --lines

format: .venv/.dev  ## rewrite the code in the house's style
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

fuzz: .venv/.dev  ## a million mutated reports, and the collector killed fifty times; takes an hour
	PARCIMETRE_FUZZ=1000000 .venv/bin/pytest tests/server/ingest/test_fuzz_reports.py
	PARCIMETRE_KILLS=50 .venv/bin/pytest tests/end_to_end/test_sigkill.py

bench: .venv/.dev  ## speed and size, as ratios
	.venv/bin/python bench/agent.py
	.venv/bin/python bench/engine.py
	.venv/bin/python bench/ingest.py
	.venv/bin/python bench/query.py
	.venv/bin/python bench/packages.py
	.venv/bin/python bench/report.py
	.venv/bin/python bench/retention.py

schema: .venv/.dev  ## write the JSON Schema of the wire format into docs/
	.venv/bin/python tools/write_schema.py

tables: .venv/.dev  ## write what describes the factor tables: datapackage.json, ATTRIBUTION.md
	.venv/bin/python tools/write_datapackage.py

wine: .venv/.dev  ## Wine and its Python, for the tests of the agent on Windows (Debian, root)
	@python3 tools/set_up_wine.py

browser: .venv/.dev  ## Chromium and axe-core, for the tests of the pages (Debian, root; npm)
	@python3 tools/set_up_browser.py

oidc: .venv/.dev  ## an OpenID provider program, for the tests of logins (npm)
	@python3 tools/set_up_oidc.py

msi: wine  ## agent for Windows, in dist/; PYTHON=archive to bring; SIGN=file [PASSWORD_FILE=file] [TIMESTAMP=url]
	@.venv/bin/python deploy/msi/build.py $(if $(PYTHON),--python $(PYTHON)) $(if $(SIGN),--sign $(SIGN)) \
		$(if $(PASSWORD_FILE),--password-file $(PASSWORD_FILE)) $(if $(TIMESTAMP),--timestamp $(TIMESTAMP))

test-msi: wine  ## build the installer, and install, upgrade and remove it under Wine; takes minutes
	PARCIMETRE_MSI=1 $(PYTEST) tests/deploy/msi || { \
		echo "Wine's installer fails now and then: what failed is tried once more, from the start" >&2; \
		PARCIMETRE_MSI=1 $(PYTEST) --last-failed tests/deploy/msi; }

packages: .venv/.dev  ## deb and rpm of the agent, deb of the collector, in dist/
	@python3 tools/build_packages.py
	@python3 tools/build_collector.py

release: .venv/.dev  ## all artefacts of the tag at HEAD in dist/, checksums, SBOMs; SIGN_KEY=key signs SHA256SUMS
	@.venv/bin/python tools/release.py $(if $(SIGN_KEY),--key $(SIGN_KEY)) $(if $(PYTHON),--python $(PYTHON)) \
		$(if $(SIGN),--sign $(SIGN)) $(if $(PASSWORD_FILE),--password-file $(PASSWORD_FILE)) \
		$(if $(TIMESTAMP),--timestamp $(TIMESTAMP))

repo: packages  ## APT and DNF repositories of dist/ in dist/repository, signed with KEY (a test key without)
	@python3 tools/build_repository.py $(KEY)

test-packages: .venv/.dev  ## install the packages on Debian 11, 12 and 13 (Debian, root)
	@python3 tools/set_up_packages.py bullseye bookworm trixie
	PARCIMETRE_DEBIANS="bullseye bookworm trixie" .venv/bin/pytest tests/deploy/linux

clean:  ## remove the environment; data stays
	rm -rf .venv .venv-uv .wine .browser .oidc .packages

.venv/.run: $(LOCKED)
	@python3 tools/bootstrap.py
	@touch $@

.venv/.dev: $(LOCKED)
	@python3 tools/bootstrap.py --dev
	@touch $@ .venv/.run
