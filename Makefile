# Everything a newcomer types. Each target creates what it needs; nothing is installed outside .venv.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
# Test workers: one more than two cores have, since some tests wait more than they compute.
OUVRIERS ?= 3
# What every broken hub is tried by; the second of the two tests does all that the first does.
CHAQUE_SERVEUR := tests/conformance/test_serveur_conforme.py::test_every_broken_hub_is_caught
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: conformite-variantes conformite-defauts bench-filtres bench-essais install demo run test check interop fuzz secousses bench bench-pointe bench-volumes bench-pages docs lock clean

install: $(STAMP)

$(STAMP): pyproject.toml requirements.lock tools/install.sh
	@PYTHON="$(PYTHON)" VENV="$(VENV)" sh tools/install.sh
	@touch $(STAMP)

demo: install
	@$(BIN)/echangeur demo --documents documents-demo

run: install
	@$(BIN)/echangeur demo --garder

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: check
	$(BIN)/pytest -n $(OUVRIERS) --dist worksteal

# Every foreign program, SOAP clients and mail, installed if it can be; tells which are absent, and why.
interop: install
	-$(BIN)/python -m tools.etrangers
	$(BIN)/pytest -m '' tests/etrangers tests/interop tests/mailflows tests/conformance \
		--deselect $(CHAQUE_SERVEUR)_by_the_assertions_meant_for_it

# Every broken hub against every assertion of which it changes some octet, and every broken partner: an hour or
# more. The ordinary tests try an eighth of the ones and a sixth of the others, not the same each day.
conformite-variantes: install
	$(BIN)/pytest -m long tests/conformance --deselect $(CHAQUE_SERVEUR)_by_the_assertions_meant_for_it

# The same broken hubs, against the assertions meant for them only, and every broken partner: a quarter of an hour.
conformite-defauts: install
	$(BIN)/pytest -m long tests/conformance --deselect $(CHAQUE_SERVEUR)_by_no_other_assertion

# 100,000 mutated messages against what parses mail, MIME and CMS, then 100,000 mutated calls to a hub; the figures
# go to bench/results. SUITE=--reprendre goes on with the calls where they were stopped.
fuzz: install
	$(BIN)/python -m tests.fuzz
	$(BIN)/python -m tests.fuzz.echanges $(SUITE)

# 500 crashes of the hub, of its database and of its network, some half an hour: docs/secousses.md tells them.
# SUITE=--reprendre goes on with a campaign that was stopped.
secousses: install
	$(BIN)/python -m tests.secousses $(SUITE)

bench: install
	$(BIN)/python -m bench
	$(BIN)/python -m bench.etapes

# 50 registrations a second for ten minutes, delivered to 1,600 guichets that have 20,000 filters.
bench-pointe: install
	$(BIN)/python -m bench.pointe

# The same calls with 100,000 demandes and with 3 million: 25 GB of the temporary folder, and on two free cores
# some twenty minutes to make the stocks and ten to measure. DOSSIER=… keeps the stocks there for another time.
bench-volumes: install
	$(BIN)/python -m bench.volumes $(if $(DOSSIER),--dossier $(DOSSIER))

# Every page of the console, for every profile, on 3 million demandes: 25 GB of the temporary folder, a quarter of
# an hour of processor to make the base and ten minutes to measure. DOSSIER=… keeps the base there.
bench-pages: install
	$(BIN)/python -m bench.pages $(if $(DOSSIER),--dossier $(DOSSIER))

# One demande against 2,000 to a million filters: some ten minutes and 3 GB of memory.
bench-filtres: install
	$(BIN)/python -m bench.filtres

# One filter against 100,000 to 3 million demandes: some half an hour, 8 GB of the temporary folder.
bench-essais: install
	$(BIN)/python -m bench.essais

# The generated pages of docs/ are checked by the tests; this writes them again.
docs: install
	$(BIN)/python -m tools.docs

# The lock names versions and hashes only, never an address to download from.
lock:
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --extra dev --generate-hashes \
		--no-emit-index-url --no-emit-find-links --no-header --no-annotate -o requirements.lock pyproject.toml

clean:
	rm -rf $(VENV) documents-demo bac-a-sable .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
