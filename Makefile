# What people type. Everything installs what it needs first; see docs and `app/cli/dev`.

PORT ?= 8000
TEST ?=
BIN := .venv/bin
DEV := $(BIN)/python -m app.cli.dev
# Half more than there are cores, because tests wait for processes, commits and browsers.
WORKERS := $(shell n=$$(nproc); echo $$((n < 2 ? 2 : n * 3 / 2)))

.PHONY: run stop test faults bench lint lock clean

# The death signal: if make itself is killed, the stack goes with it.
run: install-run
	@exec setpriv --pdeathsig TERM $(DEV) run --port $(PORT)

stop:
	@[ ! -x $(BIN)/python ] || $(DEV) stop

test: install-test
	$(BIN)/python -m pytest -n $(WORKERS) $(TEST)

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

lock: install-lint
	$(BIN)/pip-compile --quiet --allow-unsafe --generate-hashes --no-emit-find-links --no-emit-index-url \
		--no-emit-trusted-host --strip-extras --output-file=requirements.txt requirements.in
	$(BIN)/pip-compile --quiet --allow-unsafe --generate-hashes --no-emit-find-links --no-emit-index-url \
		--no-emit-trusted-host --strip-extras --output-file=requirements-dev.txt requirements-dev.in

clean: stop
	rm -rf .local .venv

install-%:
	@app/cli/dev/install.sh $*
