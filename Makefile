# What people type. Everything installs what it needs first; see docs and `app/cli/dev`.

PORT ?= 8000
TEST ?=
BIN := .venv/bin
DEV := $(BIN)/python -m app.cli.dev
# Half more than there are cores, because tests wait for processes, commits and browsers.
WORKERS := $(shell n=$$(nproc); echo $$((n < 2 ? 2 : n * 3 / 2)))
SHELL_FILES = $(shell grep -rlE '^\#!/(usr/)?bin/(env )?(ba|da)?sh' .ci app/cli docker scripts)
DOCKERFILES = Dockerfile $(wildcard docker/*/Dockerfile)

.PHONY: run stop test test-ci faults bench lint infra lock clean

# The death signal: if make itself is killed, the stack goes with it.
run: install-run
	@exec setpriv --pdeathsig TERM $(DEV) run --port $(PORT)

stop:
	@[ ! -x $(BIN)/python ] || $(DEV) stop

test: install-test
	$(BIN)/python -m pytest -n $(WORKERS) $(TEST)

# As `test`, but a few failures are tried once more, alone: see docs/performance.md.
test-ci: install-test
	@$(BIN)/python scripts/test_ci.py -n $(WORKERS)

faults: install-test
	@$(DEV) faults

bench: install-test
	$(BIN)/python -m bench

lint: install-lint
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/bandit --quiet --recursive -ll app worker.py wsgi.py
	$(BIN)/djlint templates --quiet --check --lint
	$(BIN)/shellcheck $(SHELL_FILES)
	$(BIN)/hadolint $(DOCKERFILES)
	$(BIN)/zizmor --offline --quiet .github
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.circle-ci .circleci/config.yml

infra: install-infra
	scripts/check-infra.sh

lock: install-lint
	$(BIN)/pip-compile --quiet --allow-unsafe --generate-hashes --no-emit-find-links --no-emit-index-url \
		--no-emit-trusted-host --strip-extras --output-file=requirements.txt requirements.in
	$(BIN)/pip-compile --quiet --allow-unsafe --generate-hashes --no-emit-find-links --no-emit-index-url \
		--no-emit-trusted-host --strip-extras --output-file=requirements-dev.txt requirements-dev.in
	$(BIN)/pip-compile --quiet --allow-unsafe --generate-hashes --no-emit-find-links --no-emit-index-url \
		--no-emit-trusted-host --strip-extras --output-file=requirements-infra.txt requirements-infra.in

clean: stop
	rm -rf .local .venv .venv-infra

install-%:
	@app/cli/dev/install.sh $*
