# make run and make test are the main commands. The others are for developers.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
# Compiled files are kept: each process of the tests would otherwise compile all of the code.
unexport PYTHONDONTWRITEBYTECODE
# The Python versions that every pinned package has wheels for; `make wheels` checks that.
PYTHONS := 3.11 3.12 3.13 3.14 3.15

.PHONY: run test test-browser test-clients test-faults bench bench-model bench-scale lint lint-django wheels audit bandit fuzz screenshots format notebook install cluster lock messages clean help

help:
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-12s %s\n", $$1, $$2}'

run: $(BIN)/.native  ## install, train on the first start, serve at http://127.0.0.1:5010
	@exec $(BIN)/python manage.py quickstart --with-worker

test: $(BIN)/.installed-dev $(BIN)/.native  ## the test suite, without the browser, client and fault tests
	@$(BIN)/python -m pytest --ignore tests/faults --ignore tests/browser --ignore tests/clients $(ARGS)

test-browser: $(BIN)/.installed-dev $(BIN)/.native  ## every page in Chromium: contents, accessibility (axe), CSP
	@$(BIN)/python -m pytest tests/browser $(ARGS)

test-clients: $(BIN)/.installed-dev $(BIN)/.native .venv-clients/.installed  ## the inference protocol with other projects' clients
	@$(BIN)/python -m pytest tests/clients $(ARGS)

# These tests mostly wait, so more of them run in parallel than there are cores.
test-faults: $(BIN)/.installed-dev $(BIN)/.native  ## fault tests: real starts; servers killed, restarted, disconnected
	@$(BIN)/python -m pytest tests/faults -n 6 --maxprocesses 6 $(ARGS)

bench: $(BIN)/.installed-dev $(BIN)/.native .venv-bench/.installed  ## measure the service under load against its targets (ARGS=--quick)
	@$(BIN)/python bench/api.py $(ARGS)

bench-model: .venv-bench/.installed  ## measure the forests against their targets (ARGS=--quick)
	@.venv-bench/bin/python -W ignore bench/model.py $(ARGS)

bench-scale: $(BIN)/.installed-dev $(BIN)/.native  ## measure millions of stones, replicas, a long history (ARGS=--quick)
	@$(BIN)/python bench/scale.py $(ARGS)

lint: $(BIN)/.installed-dev  ## all checks that a change must pass, except tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m mypy
	$(BIN)/python -c 'from importlinter.cli import lint_imports_command as lint; lint()'
	$(BIN)/djade --check --target-version 5.2 $$(git ls-files 'templates/*.html')
	$(BIN)/python -m check_jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/python -m check_jsonschema --builtin-schema vendor.github-issue-forms .github/ISSUE_TEMPLATE/[!c]*.yml
	$(MAKE) --no-print-directory lint-django

lint-django: $(BIN)/.installed-dev
	$(CHECKS) $(BIN)/python manage.py makemigrations --check --dry-run
	$(CHECKS) $(BIN)/python manage.py check --deploy --fail-level WARNING

audit: bandit  ## known vulnerabilities in the pinned packages, and bandit (queries the package index)
	@$(BIN)/python -m pip_audit --strict --disable-pip --require-hashes -r requirements.txt -r requirements-cluster.txt -r requirements-tracing.txt -r requirements-dev.txt || { \
	  echo "Not clean: a package above has a known vulnerability, or the package index could not be asked about it."; exit 1; }

bandit: $(BIN)/.installed-dev  ## insecure code (bandit): the part of the audit that needs no network
	$(BIN)/python -m bandit --quiet --recursive --configfile pyproject.toml ml predictor diamondsite bench

# --no-config: uv would otherwise reject the constraints in pyproject.toml, which are not exact pins.
wheels: $(BIN)/.installed-dev  ## check that the pins install on every Python version without a compiler (queries the package index)
	@for python in $(PYTHONS); do for system in x86_64-manylinux_2_28 aarch64-manylinux_2_28 aarch64-apple-darwin; do \
	  for pins in requirements.txt requirements-cluster.txt requirements-tracing.txt requirements-dev.txt; do \
	    $(BIN)/uv pip install --no-config --dry-run --quiet --only-binary :all: --no-deps --require-hashes \
	      --target .venv/wheels --python-version $$python --python-platform $$system -r $$pins || exit 1; done; done; done

fuzz: $(BIN)/.installed-dev $(BIN)/.native  ## 2,000 random stones and requests of each kind (make test: 200)
	@$(BIN)/python -m pytest -m fuzz --hypothesis-profile thorough $$(grep -rl --include='*.py' mark.fuzz tests) $(ARGS)

screenshots: $(BIN)/.installed-dev $(BIN)/.native  ## update the screenshots and sizes of all pages (needs Chromium; a few minutes)
	@$(BIN)/python tests/browser/screenshots.py

# Production settings, with which `check --deploy` reports no issue.
CHECKS := DEBUG=false BEHIND_HTTPS=true TRUSTED_PROXIES=1 ALLOWED_HOSTS=example.org VAR_DIR=$$(mktemp -d) \
	SECRET_KEY=$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(50))')

format: $(BIN)/.installed-dev  ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/djade --target-version 5.2 $$(git ls-files 'templates/*.html')

notebook: $(BIN)/.installed-dev  ## run the notebook as a test
	$(BIN)/python -m pytest -c /dev/null --rootdir . -p no:cacheprovider --nbmake --nbmake-timeout=300 data/eda.ipynb

PIN := uv pip compile --universal --python-version 3.11 --fork-strategy fewest --generate-hashes \
	--no-emit-index-url --custom-compile-command "make lock" --quiet $(ARGS)
lock: $(BIN)/.installed-dev  ## pin the dependencies of pyproject.toml (ARGS=--upgrade for newer versions)
	$(BIN)/$(PIN) pyproject.toml --extra training -o requirements.txt
	$(BIN)/$(PIN) pyproject.toml -c requirements.txt -o requirements-serving.txt
	$(BIN)/$(PIN) pyproject.toml --extra training --extra cluster -c requirements.txt -o requirements-cluster.txt
	$(BIN)/$(PIN) pyproject.toml --extra training --extra tracing -c requirements.txt -o requirements-tracing.txt
	$(BIN)/$(PIN) pyproject.toml --extra training --extra cluster --extra tracing --group dev -c requirements.txt -c requirements-cluster.txt -c requirements-tracing.txt -o requirements-dev.txt
	$(BIN)/$(PIN) pyproject.toml --extra training --group bench -c requirements.txt -o requirements-bench.txt
	$(BIN)/$(PIN) --group pyproject.toml:clients -o requirements-clients.txt

messages: $(BIN)/.installed-dev  ## compile the translations
	$(BIN)/python -c 'import polib; polib.pofile("locale/pl/LC_MESSAGES/django.po").save_as_mofile("locale/pl/LC_MESSAGES/django.mo")'

# Other projects' clients, whose packages conflict with ours.
.venv-clients/.installed: requirements-clients.txt | $(BIN)/python
	@echo "installing the clients that others wrote into .venv-clients ..."
	@$(BIN)/python -m venv .venv-clients
	@.venv-clients/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

install: $(BIN)/.native  ## install the packages and compile the walk of the forest, without starting anything

cluster: $(BIN)/.installed-cluster  ## install the packages for Dask and S3 (docs/scaling.md)

clean:  ## remove the environments; var/ with the history and the forests stays
	rm -rf .venv .venv-bench .venv-clients

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { \
	  echo "$(PYTHON) is not installed: install Python 3.11 or newer, or name it: make run PYTHON=/usr/bin/python3.11"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "$$($(PYTHON) --version) is too old: install Python 3.11 or newer, or name it: make run PYTHON=python3.11"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit("%d.%d" % sys.version_info[:2] not in "$(PYTHONS)".split())' || { \
	  echo "$$($(PYTHON) --version) is too new: not every package has wheels for it yet; install one of" \
	    "$(PYTHONS), and name it: make run PYTHON=python$(lastword $(PYTHONS))"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "This Python has no venv module: install it (Debian, Ubuntu: apt install python3-venv)"; exit 1; }
	@$(PYTHON) -m venv .venv

$(BIN)/.installed: requirements.txt | $(BIN)/python
	@echo "installing the pinned packages into .venv ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

# The forest walk in C, if there is a compiler; otherwise numpy is used.
$(BIN)/.native: ml/forest/walk.c | $(BIN)/.installed
	@$(BIN)/python -m ml.forest
	@touch $@

$(BIN)/.installed-cluster: requirements-cluster.txt | $(BIN)/.installed
	@echo "installing the packages for Dask and S3 into .venv ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

$(BIN)/.installed-dev: requirements-dev.txt | $(BIN)/.installed
	@echo "installing the packages that tests need into .venv ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

# The boosters have a separate environment, so that serving and tests never install them.
.venv-bench/.installed: requirements-bench.txt | $(BIN)/python
	@echo "installing the benchmark's opponents into .venv-bench ..."
	@$(BIN)/python -m venv .venv-bench
	@.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@
