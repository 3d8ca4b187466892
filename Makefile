# Every target works on a fresh clone. `make help` lists them.
PYTHON ?= python3
# Tests wait for servers as much as they compute: more workers than cores pay.
WORKERS ?= 3
HOME_DIR := $(if $(REBUTTAL_HOME),$(REBUTTAL_HOME),$(CURDIR)/.rebuttal)
UV := .tools/bin/uv
BIN := .venv/bin
INSTALL := pip install --quiet --require-hashes --compile-bytecode

# Dashboards: Superset runs on Python 3.11 and 3.12. `make run BI=0` leaves them out.
BI ?= $(shell $(PYTHON) -c "import sys; print(int(sys.version_info[:2] < (3, 13)))")

export BI BI_PORT AIRFLOW_PORT SANDBOX_PORT SMTP_PORT MAIL_PORT WORKER_LOG_PORT TRIGGER_LOG_PORT SEED WEEKS UNTIL SCALE

.DEFAULT_GOAL := help
.PHONY: help setup run bi environments test check bench truth effects numbers faults faults-tracker audit sbom vulnerabilities docs lock \
  format clean compose-secrets compose-test

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' Makefile

setup: .venv/.ready .venv-dbt/.ready ## make the environments (.venv, .venv-dbt)

run: ## set up, start everything, let the loop turn, show the summary; Ctrl-C stops it
	@$(PYTHON) -m launch.preflight run
	@$(MAKE) --no-print-directory setup $(if $(filter-out 0,$(BI)),.venv-bi/.ready)
	@exec $(BIN)/python -m launch

bi: .venv-bi/.ready ## the dashboards alone: bring them up to include/bi and serve them; Ctrl-C stops them
	@exec $(PYTHON) -m launch.bi

test: environments ## set up what tests need and run them all; SWEEP=20 tries a replay on 20 random histories, not 2
	@$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(TESTS)

environments: .venv/.ready-dev .venv-dbt/.ready $(if $(filter-out 0,$(BI)),.venv-bi/.ready-dev) ## all that tests need, and no test

check: .venv/.ready-dev ## format, lint, types, import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/.ready-dev ## format and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: .venv/.ready-dev .venv-dbt/.ready ## measure speed as ratios in one run -> build/bench.json
	@$(BIN)/python -m bench.run

truth: setup ## measure our numbers against the hidden truth: make truth SEEDS="101 102" -> build/truth.json
	@$(BIN)/python -m bench.truth $(SEEDS)

effects: setup ## verdicts against the truth of 52-week worlds, and what weekly looks do: make effects SEEDS="101 102"
	@$(BIN)/python -m bench.effects_null
	@$(BIN)/python -m bench.effects_truth $(SEEDS)

numbers: setup ## mail, dashboards and reports say the same numbers in three small worlds: make numbers SEEDS="31 32 33"
	@$(BIN)/python -m bench.same_numbers $(SEEDS)

faults: .venv/.ready-dev .venv-dbt/.ready $(if $(filter-out 0,$(BI)),.venv-bi/.ready-dev) ## each fault with its outcome; LONG=1: all that proves it; KILLS=300 SEED=11: also a kill at every failpoint and a storm
	@FAULT_TABLE=$(if $(LONG),long,short) $(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder \
	  tests/faults
	@$(if $(KILLS),$(BIN)/python -m bench.kills --kills $(KILLS) --seed $(or $(SEED),11) --folder build/storm/$(or $(SEED),11))

faults-tracker: .venv/.ready-dev ## 1,000 random faults between outbox and each tracker: make faults-tracker SEED=11
	@$(BIN)/python -m bench.tracker_faults 1000 --seed $(or $(SEED),11)

audit: .venv/.ready-dev sbom ## recount every landed row in the warehouse, and list all dependencies (sbom)
	@$(BIN)/rebuttal account

sbom: .venv-audit/.ready ## what each environment is made of, from its lock: CycloneDX files in build/sbom
	@mkdir -p build/sbom
	@for lock in $(LOCKS); do \
	  .venv-audit/bin/cyclonedx-py requirements $$lock --output-reproducible --of JSON \
	    -o build/sbom/$$(basename $$lock .txt).json && echo "build/sbom/$$(basename $$lock .txt).json" || exit 1; \
	done

vulnerabilities: .venv-audit/.ready ## ask the public advisory database about every locked version; needs the network
	@for lock in $(LOCKS); do \
	  echo "$$lock"; .venv-audit/bin/pip-audit --strict --require-hashes --disable-pip --progress-spinner off -r $$lock || exit 1; \
	done

docs: setup ## the dbt project as pages (models, columns, tests, lineage) -> build/docs
	@$(BIN)/python -m rebuttal.warehouse.model_docs build/docs

lock: $(UV) ## resolve requirements/*.in anew
	$(UV) pip compile $(LOCK) requirements/airflow.in -o requirements.txt
	$(UV) pip compile $(LOCK) requirements/dev.in -c requirements.txt -o requirements/dev.txt
	$(UV) pip compile $(LOCK) requirements/dbt.in -o requirements/dbt.txt
	$(UV) pip compile $(LOCK) requirements/bi.in -o requirements/bi.txt
	$(UV) pip compile $(LOCK) requirements/audit.in -o requirements/audit.txt
	$(UV) pip compile $(LOCK) requirements/browser.in -c requirements/bi.txt -o requirements/browser.txt

compose-secrets: ## passwords and keys for docker-compose.yml, where they are missing -> .secrets
	@$(PYTHON) compose/make_secrets.py $(or $(SECRETS_FOLDER),.secrets)

compose-test: .venv/.ready-dev ## docker-compose.yml for real: bring it up, turn the loop, kill each service, compare, take it down
	@REBUTTAL_COMPOSE_TEST=1 $(BIN)/python -m pytest -q -s tests/compose

clean: ## remove environments, build results and the run's data
	rm -rf .venv .venv-dbt .venv-bi .venv-audit .tools build $(HOME_DIR)

LOCKS := requirements.txt $(addprefix requirements/,dev.txt dbt.txt bi.txt browser.txt uv.txt audit.txt)
LOCK := --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header

$(UV):
	@$(PYTHON) -m launch.preflight setup
	@echo "Fetching uv into .tools ..."
	@$(PYTHON) -m venv .tools
	@.tools/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt

.venv/.ready: requirements.txt pyproject.toml | $(UV)
	@echo "Making .venv (Airflow and Rebuttal) ..."
	@test -x $(BIN)/python || $(UV) venv --quiet --python "$$(command -v $(PYTHON))" .venv
	@VIRTUAL_ENV=.venv $(UV) $(INSTALL) -r requirements.txt
	@VIRTUAL_ENV=.venv $(UV) pip install --quiet --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q include plugins dags launch
	@touch $@

.venv/.ready-dev: requirements/dev.txt .venv/.ready
	@echo "Adding what tests need ..."
	@VIRTUAL_ENV=.venv $(UV) $(INSTALL) -r requirements/dev.txt
	@touch $@

.venv-dbt/.ready: requirements/dbt.txt | $(UV)
	@echo "Making .venv-dbt (dbt) ..."
	@test -x .venv-dbt/bin/python || $(UV) venv --quiet --python "$$(command -v $(PYTHON))" .venv-dbt
	@VIRTUAL_ENV=.venv-dbt $(UV) $(INSTALL) -r requirements/dbt.txt
	@touch $@

.venv-audit/.ready: requirements/audit.txt | $(UV)
	@echo "Making .venv-audit (lists of dependencies, known vulnerabilities) ..."
	@test -x .venv-audit/bin/python || $(UV) venv --quiet --python "$$(command -v $(PYTHON))" .venv-audit
	@VIRTUAL_ENV=.venv-audit $(UV) pip install --quiet --require-hashes -r requirements/audit.txt
	@touch $@

.venv-bi/.ready: requirements/bi.txt | $(UV)
	@echo "Making .venv-bi (Superset) ..."
	@test -x .venv-bi/bin/python || $(UV) venv --quiet --python "$$(command -v $(PYTHON))" .venv-bi
	@# Not compiled: Superset imports a small part of what comes with it.
	@VIRTUAL_ENV=.venv-bi $(UV) pip install --quiet --require-hashes -r requirements/bi.txt
	@touch $@

.venv-bi/.ready-dev: requirements/browser.txt .venv-bi/.ready
	@echo "Adding what tests of the dashboards need ..."
	@VIRTUAL_ENV=.venv-bi $(UV) pip install --quiet --require-hashes -r requirements/browser.txt
	@touch $@
