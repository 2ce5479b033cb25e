# r1-recipe: `make reproduce` runs the whole recipe, `make test` the tests; each sets up what it needs.
#
#   PROFILE=tiny         the size: a file of conf/profile
#   WORLD=open           the data and models: a file of conf/world (default: the profile's)
#   MODEL=Qwen/Qwen3-4B  the base: a Hugging Face hub name or a folder (default: the tiny one)
#   SEEDS=3              the recipe for seeds 0, 1 and 2, judged together (default: seed 0 alone)
#   ARGS='seed=1'        any Hydra overrides, e.g. 'stages.zero.max_steps=50'
#   DEVICE=cpu|cuda      which torch to install (default: cuda where nvidia-smi finds a GPU)
#   PYTHON=python3.12    which Python makes .venv (default: the first one that is 3.11 or newer)
#   PORT=5000            where `make ui` shows its pages

PROFILE ?= tiny
WORLD ?=
MODEL ?=
SEEDS ?=
ARGS ?=
PORT ?= 5000
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)

ifndef DEVICE
DEVICE := $(if $(shell nvidia-smi -L 2>/dev/null),cuda,cpu)
endif

include defaults.env
export $(shell sed -n 's/^\([A-Z0-9_]*\)=.*/\1/p' defaults.env)

# Without bytecode of the packages every process compiles torch, trl and vLLM anew: 22 s, not 12.
unexport PYTHONDONTWRITEBYTECODE

VENV := .venv
BIN := $(VENV)/bin
SETUP := $(VENV)/.installed-$(DEVICE)
VLLM := $(VENV)/.installed-vllm-$(DEVICE)
VLLM_TRIED := $(VENV)/.tried-vllm-$(DEVICE)
RAY := $(VENV)/.installed-ray
RAY_TRIED := $(VENV)/.tried-ray
SLURM_TRIED := $(VENV)/.tried-slurm
BASE := $(if $(MODEL),model@stages.base=hub 'stages.base.path=$(MODEL)')
SEEDED := $(if $(SEEDS),'seeds=[$(shell seq -s , 0 $$(($(SEEDS) - 1)))]')
OVERRIDES := profile=$(PROFILE) $(if $(WORLD),world=$(WORLD)) $(BASE) $(SEEDED) $(ARGS)
RUN := $(BIN)/r1 run $(OVERRIDES)
PYTEST := $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile
EVALUATIONS := eval_base, eval_zero, eval_dev1, eval_dev2, eval_dev3, eval_r1, \
	eval_student_qwen_base, eval_student_qwen, eval_student_llama, eval_student_rl

.DEFAULT_GOAL := help
.PHONY: help setup vllm ray test check lint typecheck fidelity settings format lock clean bench-verifiers bench-hacks \
	bench-rollout bench-train bench-data bench-commands gpu-check drill reproduce base zero cold-start reasoning-rl rejection-sampling general-sft reward-models \
	final-rl distill evaluate report plan data status ui bench-costs

help: ## this list
	@sed -n 's/^#   //p' Makefile
	@echo
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1|/p' Makefile | awk -F'|' '{ printf "  make %-20s %s\n", $$1, $$2 }'

# Set-up ---------------------------------------------------------------------------------------

setup: $(SETUP) ## .venv with the pinned packages (done by every other target when needed)

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer was found. Install one, or name it: make setup PYTHON=/path/to/python3" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is $$("$(PYTHON)" -V 2>&1), and Python 3.11 or newer is needed. Name another: make setup PYTHON=/path/to/python3" >&2; exit 1; }
	"$(PYTHON)" -m venv --clear $(VENV) || { rm -rf $(VENV); exit 1; }

$(SETUP): requirements/$(DEVICE).lock requirements/gym.lock requirements/install.sh pyproject.toml | $(BIN)/python
	requirements/install.sh $(BIN)/python $(DEVICE)
	@touch $@

vllm: $(VLLM) ## add vLLM, for rollout=vllm

$(VLLM): requirements/vllm-$(DEVICE).lock $(SETUP)
	requirements/install.sh $(BIN)/python $(DEVICE) vllm
	@touch $@

# The tests run vLLM where it can be installed; they skip, with the reason, where it cannot.
$(VLLM_TRIED): requirements/vllm-$(DEVICE).lock $(SETUP)
	$(MAKE) vllm || echo "vLLM cannot be installed here: its tests will be skipped." >&2
	@touch $@

$(SLURM_TRIED): requirements/slurm.sh | $(BIN)/python
	requirements/slurm.sh
	@touch $@

ray: $(RAY) ## add Ray, for launcher=ray

$(RAY): requirements/ray.lock $(SETUP)
	requirements/install.sh $(BIN)/python $(DEVICE) ray
	@touch $@

$(RAY_TRIED): requirements/ray.lock $(SETUP)
	$(MAKE) ray || echo "Ray cannot be installed here: its tests will be skipped." >&2
	@touch $@

lock: $(SETUP) ## pin all packages anew (for maintainers)
	cd requirements && PATH="$(CURDIR)/$(BIN):$$PATH" ./lock.sh

# Checks ---------------------------------------------------------------------------------------

test: $(SETUP) $(VLLM_TRIED) $(RAY_TRIED) $(SLURM_TRIED) ## all tests, with vLLM, Ray and Slurm where they run (ARGS go to pytest)
	$(PYTEST) --no-loadscope-reorder --durations=25 $(ARGS)

check: lint typecheck ## style, types and the quick tests that need no torch: a minute
	$(PYTEST) --light -q $(ARGS)

lint: $(SETUP) ## ruff: style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

typecheck: $(SETUP) ## mypy
	$(BIN)/mypy

fidelity: $(SETUP) ## docs/fidelity.md anew, from conf/ (for maintainers)
	$(BIN)/r1 plan profile=small --departures --markdown > docs/fidelity.md

settings: $(SETUP) ## tests/recipe/settings anew, from conf/ (for maintainers)
	$(BIN)/python tests/recipe/test_settings.py

format: $(SETUP) ## rewrite the code as ruff wants it
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench-verifiers: $(SETUP) ## the verifiers beside math-verify (DATA=folder LIMIT=500, ARGS go to it)
	$(BIN)/python -m benchmarks.verifiers $(if $(DATA),--data $(DATA)) \
		$(if $(LIMIT),--limit $(LIMIT)) $(ARGS)

bench-hacks: $(SETUP) ## what policies that never compute are paid (DATA=folder LIMIT=200, ARGS go to it)
	$(BIN)/python -m benchmarks.hacks $(if $(DATA),--data $(DATA)) \
		$(if $(LIMIT),--limit $(LIMIT)) $(ARGS)

bench-rollout: $(SETUP) $(VLLM_TRIED) ## engines, rejection sampling, evaluation, decontamination (DATA=folder, ARGS)
	$(BIN)/r1 run until=dev2
	$(BIN)/python -m benchmarks.rollout $(if $(DATA),--data $(DATA)) $(ARGS)

bench-train: $(SETUP) ## SFT, GRPO, start-up and the algorithms beside plain TRL (PROFILE=one_gpu, ARGS)
	$(BIN)/python -m benchmarks.train --profile $(PROFILE) $(ARGS)

bench-costs: $(SETUP) ## what `r1 plan --cost` foresees beside published costs, and what fits (ARGS: sections)
	$(BIN)/python -m benchmarks.costs $(ARGS)

bench-data: $(SETUP) ## proving and cleaning 50,000 rows of a public mix beside plain ways (DATA=folder, ARGS)
	$(BIN)/python -m benchmarks.proving $(if $(DATA),--data $(DATA)) $(ARGS)

bench-commands: $(SETUP) ## what `r1 plan`, `status` and `why` take beside snakemake and DVC (ARGS go to it)
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m benchmarks.commands $(ARGS)

gpu-check: $(SETUP) $(VLLM_TRIED) ## ten minutes on a first GPU: does it all run, how fast (ARGS go to it)
	$(BIN)/python -m benchmarks.gpu_check $(ARGS)

drill: $(SETUP) ## break 300 runs on purpose: kills, harmed files, full disks …; ARGS='--on slurm' or '--on ray': 50 over a cluster
	$(BIN)/python -m benchmarks.drill $(ARGS)

# The recipe, in the paper's order: each target runs what it needs and no more ------------------

reproduce: $(SETUP) ## everything: base → … → r1, students, evaluation, report
	$(RUN)
	$(BIN)/r1 report $(OVERRIDES)

base: $(SETUP) ## the base model
	$(RUN) until=base

zero: $(SETUP) ## R1-Zero: RL on the base, rewards by rule only
	$(RUN) until=zero

cold-start: $(SETUP) ## samples of R1-Zero made readable, and SFT of the base on them (dev1)
	$(RUN) until=dev1

reasoning-rl: $(SETUP) ## RL with the language reward (dev2)
	$(RUN) until=dev2

rejection-sampling: $(SETUP) ## verified samples of dev2, and general data
	$(RUN) 'until=[reasoning_data,general_data]'

general-sft: $(SETUP) ## SFT of the base on both (dev3)
	$(RUN) until=dev3

reward-models: $(SETUP) ## the helpful and the safety reward model
	$(RUN) 'until=[helpful_rm,safety_rm]'

final-rl: $(SETUP) ## RL with rules and reward models (r1)
	$(RUN) until=r1

distill: $(SETUP) ## students taught by SFT, and one trained by RL for comparison
	$(RUN) 'until=[student_qwen,student_llama,student_rl]'

evaluate: $(SETUP) ## every checkpoint of the recipe on held-out problems
	$(RUN) 'until=[$(EVALUATIONS)]'

report: $(SETUP) ## report.md and its figures, from the manifests alone
	$(BIN)/r1 report $(OVERRIDES)

plan: $(SETUP) ## the graph, what is done, the batch numbers; runs nothing
	$(BIN)/r1 plan $(OVERRIDES)

data: $(SETUP) ## which data and models fill the recipe: licences, sizes, shares, known defects
	$(BIN)/r1 plan --data $(OVERRIDES)

status: $(SETUP) ## what is done, running or failed
	$(BIN)/r1 status $(OVERRIDES)

ui: $(SETUP) ## MLflow's pages for the runs so far (PORT=5000)
	@test -f "$${R1_ROOT:-outputs}/mlflow.db" || { echo "There are no runs to show: $${R1_ROOT:-outputs}/mlflow.db is not there." >&2; exit 1; }
	@$(BIN)/python -c 'import socket; socket.create_server(("127.0.0.1", $(PORT)))' 2>/dev/null || { echo "Port $(PORT) cannot be used, something else may listen there. Take another: make ui PORT=5001" >&2; exit 1; }
	@$(BIN)/python -m pipeline.tracking.pages "$${R1_ROOT:-outputs}" $(PORT)
	$(BIN)/mlflow ui --port $(PORT) --backend-store-uri "sqlite:///$$(cd "$${R1_ROOT:-outputs}" && pwd)/mlflow.db"

clean: ## remove .venv and caches; outputs/ stays
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache *.egg-info
