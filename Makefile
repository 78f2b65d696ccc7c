# Every target first sees to the environment it needs: tools/setup_env.py builds .venv the
# first time (minutes) and afterwards looks whether it is whole (under a second).
# For GNU make 3.81 or newer; all paths are relative, so the folder's name may have spaces.
#
#   make test ARGS="-k blocks"        options for the command behind a target
#   make env PYTHON=python3.12        the Python that .venv is made from
#   make lab LAB_FLAGS="--no-browser --port 9000"
#   make grade SUBMISSIONS=folder     the folder with the notebooks that students handed in

ARGS ?=
ENV_FLAGS ?=
LAB_FLAGS ?=
SUBMISSIONS ?=

ifeq ($(OS),Windows_NT)
PYTHON ?= python
VENV_PYTHON := .venv/Scripts/python
else
PYTHON ?= python3
VENV_PYTHON := .venv/bin/python
endif

# A process for each core. -v: a line per test, with the share that is done.
PYTEST := $(VENV_PYTHON) -m pytest -v -n auto --durations 30

FIRST := notebooks/01_two_layer_convnet.ipynb

.DEFAULT_GOAL := help
.PHONY: help env pin lab run notebooks exercises release grade test check data hands model figures bundled results bench lint clean

help: ## list these targets
	@echo "make TARGET, where TARGET is one of"
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' Makefile

env: ## set up .venv, or rebuild it if something is missing (ENV_FLAGS=--rebuild: in any case)
	@$(PYTHON) tools/setup_env.py $(ENV_FLAGS)

# No env here: it would undo the upgrade that is to be pinned. The first command also stops where
# there is no .venv, before constraints.txt is touched.
pin: ## pin what .venv holds in constraints.txt; before: `pip install --upgrade ...` there
	@$(VENV_PYTHON) -m pip --version >/dev/null
	@{ echo "# Every package that comes along, pinned. Written by \`make pin\`."; \
	  $(VENV_PYTHON) -m pip freeze --exclude-editable | grep ==; } > constraints.txt

lab: env ## open JupyterLab with the first notebook (LAB_FLAGS="--no-browser")
	JUPYTER_CONFIG_PATH="$(CURDIR)/tools/jupyter$${JUPYTER_CONFIG_PATH:+:$$JUPYTER_CONFIG_PATH}" \
	$(VENV_PYTHON) -m jupyterlab --ServerApp.root_dir=. \
	  --LabApp.default_url=/lab/tree/$(if $(wildcard $(FIRST)),$(FIRST),notebooks) $(LAB_FLAGS)

run: env ## run the notebooks, with a progress bar, into build/ (ARGS=notebooks/02*.ipynb: these)
	$(VENV_PYTHON) tools/run_series.py $(ARGS)

notebooks: env ## run the notebooks on the bundled data and save them in place
	SIGNS_DIR="$(CURDIR)/datasets/bundled" $(VENV_PYTHON) tools/run_series.py --in-place $(ARGS)

exercises: env ## write the students' copies of the notebooks, with blanks, into exercises/
	$(VENV_PYTHON) -m grading.release

release: env ## one folder and zip per notebook to hand out, in build/release/ (ARGS="02 04")
	$(VENV_PYTHON) -m grading.release --release $(ARGS)

grade: env ## grade a folder of submitted notebooks: make grade SUBMISSIONS=folder
	@test -n "$(SUBMISSIONS)" || { echo "Say which folder holds the submitted notebooks:" \
	  "make grade SUBMISSIONS=folder" >&2; exit 2; }
	$(VENV_PYTHON) -m grading.run "$(SUBMISSIONS)" $(ARGS)

test: env ## run every test, and the notebooks against their saved outputs (ARGS="-k blocks")
	$(PYTEST) --nbval tests notebooks $(ARGS)

check: env ## run the tests that train nothing and are quick: minutes (ARGS="-x")
	$(PYTEST) -m "not training and not slow" tests $(ARGS)

data: env ## fetch the real SIGNS into datasets/
	$(VENV_PYTHON) tools/fetch_signs.py $(ARGS)

hands: env ## render a set of 10,000 hands into build/hands, in SIGNS's format (ARGS="--train 500")
	$(VENV_PYTHON) tools/render_hands.py set $(ARGS)

model: env ## render hands, train ResNet50 on them and SIGNS: models/hands.keras (ARGS="--epochs 6")
	$(VENV_PYTHON) tools/make_model.py hands $(ARGS)

figures: env ## draw the figures in images/ anew
	$(VENV_PYTHON) tools/figures.py $(ARGS)

bundled: env ## render datasets/bundled/ anew, where the renderer has changed
	$(VENV_PYTHON) tools/render_hands.py set --style signs --train 1080 --test 120 --seed 0 \
	  --out datasets/bundled
	$(VENV_PYTHON) tools/render_hands.py picture --style signs --seed 0 --index 1200 --sign 3 \
	  --size 256 --out images/test.jpg

results: env ## write the tables in README.md and docs/ from benchmarks/results/
	$(VENV_PYTHON) benchmarks/results_tables.py

bench: env ## time training beside other ways, about 15 minutes (ARGS="--rounds 3")
	$(VENV_PYTHON) benchmarks/speed.py --epochs 3 $(ARGS)

lint: env ## check style and format of code and notebooks, and the types in resnets/
	$(VENV_PYTHON) -m ruff check . $(ARGS)
	$(VENV_PYTHON) -m ruff format --check .
	$(VENV_PYTHON) -m mypy

clean: ## delete build/ and caches; .venv and the data stay
	rm -rf build .pytest_cache .ruff_cache .mypy_cache
	find . -name .venv -prune -o \
	  \( -name __pycache__ -o -name .ipynb_checkpoints \) -prune -exec rm -rf {} +
