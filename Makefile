# Everything a person does with the project, by one word each. `make` alone lists them.

DB ?= sqlite
PORT ?= 8000
SANDBOX_PORT ?= 8100
WORKERS ?= 2
ARGS ?=
OPS ?= 50000
SEED ?= 1

PY := .venv/bin/python
STAMP := .venv/installed-requirements.txt
UV_VERSION := 0.13.9
CODE := app sandbox bench wsgi.py

.DEFAULT_GOAL := help
.PHONY: help demo run test bench sweep fuzz sim interop check clauses lock clean ready

help: ## this list
	@echo 'Lingcun 灵存: housing-provident-fund savings for flexible workers'
	@echo
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo '  DB=sqlite|postgres   for demo, run and sim (now: $(DB))'
	@echo '  PORT, SANDBOX_PORT   for run (now: $(PORT), $(SANDBOX_PORT))'
	@echo '  WORKERS, ARGS        for test: processes, and options for pytest (now: $(WORKERS))'
	@echo '  OPS, SEED            for sim: how much happens, and which chance (now: $(OPS), $(SEED))'
	@echo '  TEST_POSTGRES_URL    for test: a server of your own instead of the embedded one'
	@echo '  PYTHON               the Python 3.11 or newer to make .venv with'

demo: ready ## the whole story on this machine, from nothing, and the books verified
	@$(PY) -m sandbox.stack demo --db $(DB) $(ARGS)

run: ready ## the service with its sandbox, until Ctrl-C; data stay in var/
	@$(PY) -m sandbox.stack run --db $(DB) --port $(PORT) --sandbox-port $(SANDBOX_PORT) $(ARGS)

test: ready ## all tests, on SQLite and on PostgreSQL
	@$(PY) -m pytest -q -n $(WORKERS) --dist worksteal $(ARGS)

bench: ready ## ratios of speed, side by side in one run; writes docs/performance.md (minutes)
	@$(PY) -m bench $(ARGS)

sweep: ready ## every flow that touches WeChat, killed at each of its points (a quarter of an hour)
	@SWEEP=full $(PY) -m pytest -q -n $(WORKERS) tests/sweep

fuzz: ready ## every hostile text at every place of every route, on both databases (minutes)
	@FUZZ=full $(PY) -m pytest -q -n $(WORKERS) tests/security/test_s09_injection.py

sim: ready ## chance acts OPS times on the pilot; truth against ledger, docs/sim-report.md
	@$(PY) -m tests.sim --ops $(OPS) --seed $(SEED) --db $(DB) --report docs/sim-report.md

interop: ready ## two foreign WeChat Pay clients against ours (needs node, npm, the network once)
	@command -v npm >/dev/null || { echo 'Node.js 18 or newer with npm is needed' >&2; exit 1; }
	@npm ci --silent --no-fund --no-audit --prefix tests/interop/axios
	@$(PY) -m pytest -q tests/interop tests/interop/axios_plugin.py

check: ready ## style, types, the one arrow, security, schema; every step runs
	@failed=''; \
	step() { \
	  name="$$1"; shift; printf '\n== %s\n' "$$name"; \
	  "$$@" || { failed="$$failed, $$name"; printf -- '-- %s: FAILED\n' "$$name"; }; \
	}; \
	step 'lint' $(PY) -m ruff check --output-format concise .; \
	step 'format' $(PY) -m ruff format --check --output-format concise .; \
	step 'types' $(PY) -m mypy --strict $(CODE); \
	step 'one arrow' $(PY) .venv/bin/lint-imports --no-logo --no-cache; \
	step 'security' $(PY) -m bandit -q -ll -c pyproject.toml -r $(CODE); \
	step 'schema' $(PY) -m pytest -q tests/test_migrations.py; \
	if [ -n "$$failed" ]; then printf '\ncheck: FAILED in%s\n' "$${failed#,}"; exit 1; fi; \
	printf '\ncheck: every step passed\n'

clauses: ready ## which test shows which obligation of the pilot plan, and the share shown
	@$(PY) -m tests.clauses

lock: ready ## requirements*.txt anew from requirements*.in (needs the network)
	@$(PY) -m pip install -q uv==$(UV_VERSION)
	@for name in requirements requirements-dev; do \
	  extra=''; [ $$name = requirements ] || extra='-c requirements.txt --no-annotate'; \
	  $(PY) -m uv pip compile -q --universal --python-version 3.11 --generate-hashes \
	    --custom-compile-command 'make lock' $$extra $$name.in -o $$name.txt || exit 1; \
	  echo "$$name.txt is up to date"; \
	done

clean: ## away with what runs and tools left (var/, caches); .venv stays
	@rm -rf var .pytest_cache .mypy_cache .ruff_cache .hypothesis tests/interop/axios/node_modules
	@find . -path ./.venv -prune -o -type d -name __pycache__ -prune -exec rm -rf {} +

# The virtual environment holds what requirements-dev.txt names. The stamp is a
# copy of that file: the same content again needs neither pip nor the network.
ready:
	@if ! cmp -s requirements-dev.txt $(STAMP) 2>/dev/null || ! $(PY) -c ''; then \
	  set -e; \
	  if ! $(PY) -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    found=''; \
	    for python in $(or $(PYTHON),python3.13 python3.12 python3.11 python3); do \
	      if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	      then found=$$python; break; fi; \
	    done; \
	    [ -n "$$found" ] || { \
	      echo 'Python 3.11 or newer is needed; name yours: make PYTHON=/path/to/python3' >&2; \
	      exit 1; }; \
	    $$found -c 'import ensurepip, venv' 2>/dev/null || { \
	      echo "$$found cannot make virtual environments: apt install python3-venv" >&2; \
	      exit 1; }; \
	    echo "Making .venv with $$($$found --version)"; \
	    $$found -m venv --clear .venv; \
	  fi; \
	  echo 'Installing what requirements-dev.txt names (once)'; \
	  $(PY) -m pip install -q --disable-pip-version-check --require-hashes \
	    -r requirements-dev.txt; \
	  cp requirements-dev.txt $(STAMP); \
	fi
