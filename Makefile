# `make demo` and `make test` are all one needs; both make the environment themselves.
PYTHON ?= python3
UV := .venv/bin/uv
BIN := .venv/bin

# As pip does: whoever has a mirror or a proxy has its authority in the system's store. Without a store uv brings its own.
STORES := /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/ca-bundle.pem /etc/ssl/cert.pem
export UV_SYSTEM_CERTS ?= $(if $(wildcard $(STORES)),true,false)

.PHONY: demo test lint types wheel lock clean

demo: .venv/ready
	$(BIN)/diag demo dead-letters-postgres --fail-on never

# Beside all others the tests that walk every scenario, which take as long as the rest; their output comes last.
WALKS := tests/scenarios tests/conformance tests/redaction
PYTEST := $(BIN)/pytest

test: .venv/ready
	@$(PYTEST) $(WALKS) > .venv/walks.log 2>&1 & walks=$$!; \
	$(PYTEST) $(addprefix --ignore=,$(WALKS)); rest=$$?; \
	wait $$walks; walked=$$?; cat .venv/walks.log; exit $$((rest + walked))

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/ready
	$(BIN)/mypy

wheel: .venv/ready
	rm -rf dist
	$(UV) build --wheel --no-build-isolation --out-dir dist

# Exactly the versions and hashes of uv.lock, from whatever package index this machine is set up to use.
.venv/ready: uv.lock pyproject.toml | $(UV)
	$(UV) export --quiet --frozen --all-extras --all-groups --no-emit-project --output-file .venv/locked.txt
	$(UV) pip sync --quiet --python $(BIN)/python --require-hashes .venv/locked.txt --link-mode copy
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	touch $@

$(UV):
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv==0.13.9"

# The lock holds versions and hashes and no download addresses, so that it serves every mirror.
lock: $(UV)
	$(UV) lock $(LOCK_FLAGS)
	sed -E -e 's#registry = "https?://[^"]*"#registry = "index"#' -e 's#url = "https?://[^"]*/([^"/]+)"#path = "\1"#' uv.lock > uv.lock.new
	mv uv.lock.new uv.lock

clean:
	rm -rf .venv dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
