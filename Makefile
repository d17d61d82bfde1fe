# Two commands, each of which sets up its own virtual environment; needed beforehand: make and Python 3.11 or newer.
#
#   make demo    prove bounds for two shipped models, check the proofs, and write a page about each
#   make test    lint, types of the kernel, tests
#   make lint    the first two of these
#   make site    the documents as web pages, in build/site
#   make clean   remove what the commands above made, the virtual environment too

PYTHON ?= python3
WORKERS ?= 2

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed-from-constraints
DEMO := demo-output
MODEL := certificates/models/max-of-4.safetensors
SIGNS := certificates/models/cumulative-sign-1.safetensors

.PHONY: demo test lint site clean

demo: $(INSTALLED)
	rm -rf $(DEMO)
	$(BIN)/verifier prove $(MODEL) --strategy subcubic -o $(DEMO)
	$(BIN)/verifier check $(DEMO)/statement.json $(DEMO)/certificate.json $(MODEL)
	$(BIN)/verifier check $(DEMO)/statement.json $(DEMO)/certificate.json $(MODEL) --arithmetic fast
	$(BIN)/verifier report $(DEMO)/statement.json $(DEMO)/certificate.json $(MODEL) --arithmetic fast -o $(DEMO)/report.html
	@echo
	@echo "All 11^20 inputs of another model. Looking for the proof takes a few minutes, checking it seconds."
	$(BIN)/verifier prove $(SIGNS) --task sign --strategy slots -o $(DEMO)/signs
	$(BIN)/verifier check $(DEMO)/signs/statement.json $(DEMO)/signs/certificate.json $(SIGNS) --arithmetic fast
	$(BIN)/verifier report $(DEMO)/signs/statement.json $(DEMO)/signs/certificate.json $(SIGNS) --arithmetic fast -o $(DEMO)/signs/report.html
	@echo
	@echo "Open these two pages in a browser:"
	@echo "  file://$(CURDIR)/$(DEMO)/report.html"
	@echo "  file://$(CURDIR)/$(DEMO)/signs/report.html"

test: lint
	$(BIN)/pytest -q -n $(WORKERS)

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/mypy

# Reinstalled only when what is installed changes.  Editable, so that the tests see the working tree.
$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

site: $(INSTALLED)
	$(BIN)/python docs/site/build.py build/site
	@echo "file://$(CURDIR)/build/site/index.html"

clean:
	rm -rf $(VENV) $(DEMO) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
