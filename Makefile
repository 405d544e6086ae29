# Four targets; each does all its own set-up on Linux with Python 3.11 to 3.13 and make.
#
#   make setup   .venv with an editable install of what the documented commands need, from constraints.txt
#   make demo    make receipts, read them, show text and pictures (no torch)
#   make check   format, lint, types, layers, our own auditor, documents
#   make test    the tests with branch coverage; CI=true adds the slow ones
#
# Installed: Python packages into .venv (uv among them when it is missing), about 6 GB with torch; .venv-demo 0.3 GB.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := .venv-demo
# Said before anything is installed.
PYTHON_FITS = $(PYTHON) -c 'import sys; v = sys.version_info[:2]; (3, 11) <= v <= (3, 13) or \
  sys.exit("Python 3.11 to 3.13 is needed, this is %d.%d; name another: make PYTHON=python3.12" % v)'
UV = $(shell command -v uv 2>/dev/null || echo $(1)/bin/python -m uv)

.PHONY: setup demo check test constraints docs

setup: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml constraints.txt
	test -x $(BIN)/python || { $(PYTHON_FITS) && $(PYTHON) -m venv $(VENV); }
	command -v uv >/dev/null || $(BIN)/python -m pip install -q uv
	@# uv reads no dependency group of an unmanaged project, so the group comes from a copy without that line.
	mkdir -p build && sed '/^managed/d' pyproject.toml > build/pyproject.toml
	$(call UV,$(VENV)) pip install --python $(BIN)/python -q --compile-bytecode -c constraints.txt -e '.[infer,train,serve,ui,batch,tracking,plot,mcp,lsp]' --group build/pyproject.toml:dev
	touch $@

$(DEMO)/.ready: pyproject.toml constraints.txt
	test -x $(DEMO)/bin/python || { $(PYTHON_FITS) && $(PYTHON) -m venv $(DEMO); }
	command -v uv >/dev/null || $(DEMO)/bin/python -m pip install -q uv
	$(call UV,$(DEMO)) pip install --python $(DEMO)/bin/python -q --compile-bytecode -c constraints.txt -e '.[infer]'
	touch $@

demo: $(DEMO)/.ready
	$(DEMO)/bin/ocr data synth --kind pages --n 3 --seed 7 --out outputs/demo/receipts
	$(DEMO)/bin/ocr read outputs/demo/receipts/images --save-image outputs/demo/read
	@echo "Pictures with what was read: outputs/demo/read"

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/preflight check
	$(BIN)/aqms validate --all

test: setup
	sh tests/run.sh

constraints:
	mkdir -p build && sed '/^managed/d' pyproject.toml > build/pyproject.toml
	uv pip compile -q --universal --all-extras --group build/pyproject.toml:dev --python-version 3.11 \
	  --no-emit-index-url --no-header --no-annotate build/pyproject.toml -o constraints.txt

docs: setup
	$(BIN)/zensical build
