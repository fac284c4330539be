# Every target is a thin line over `python -m segmentation`; the environment is made when it is missing.
# Variables typed after a target (K=5) become options of the command (--k=5), which checks them.
typed := $(foreach v,$(.VARIABLES),$(if $(filter command line,$(origin $v)),$v))
# A value is what was typed, letter for letter: make would compute what follows a $, here and for the environment.
$(foreach v,$(typed),$(eval override $v := $$(value $v)))
# LANG= is the reader's language; what is run has no such locale, and takes its own.
$(if $(filter LANG,$(typed)),$(eval unexport LANG))
define newline


endef
export newline
# One word of the shell; a line of a recipe ends at a newline, so that this comes from the environment.
quoted = '$(subst $(newline),'"$$newline"',$(subst ','\'',$1))'

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
READY := $(VENV)/.ready
DEV := $(VENV)/.with-dev
TOOL := $(VENV)/.tool
# What is told before it is fetched: packages, and files on the disk. The tests compare it with what is there. It goes to
# the standard error, because the standard output is the report's: with JSON=1 one object, and nothing else.
of_report := about 100 packages, 630 MB
of_dashboard := 13 packages, 130 MB
of_lab := 39 packages, 135 MB
of_pdf := 9 packages, 17 MB
of_slides := 3 packages, 25 MB
of_postgres := 2 packages, 12 MB
of_dev := 89 packages, 632 MB
of_spark := 3 packages, 480 MB
of_bench := 20 packages, 440 MB
of_docs := 15 packages, 75 MB
of_audit := 14 packages, 17 MB

lower = $(shell printf '%s' '$1' | tr 'A-Z' 'a-z')
FLAGS := DEBUG COLD FULL JSON QUIET
options = $(foreach v,$(filter-out PYTHON VENV ARGS $(FLAGS),$(typed)),--$(call lower,$v)=$(call quoted,$($v))) $(foreach v,$(FLAGS),$(if $($v),--$(call lower,$v)))
# Messages name commands and options as they were typed: here in make's words.
export SEGMENTATION_CALLED = make
segmentation = @$(BIN)/python -m segmentation
# uv, by the version and hash of the lock, is there only while it installs or compiles; what it installs is there by its hash alone.
UV = $(TOOL)/$(notdir $(BIN))/python -m uv
get_uv = echo "Fetching uv, which installs all by the hashes of the lock" >&2 && $(BIN)/python -m venv --clear $(TOOL) && awk '/^uv==/ {on=1} on {print} on && !/\\$$/ {exit}' requirements.txt > $(TOOL)/uv.txt && $(TOOL)/$(notdir $(BIN))/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: --requirement $(TOOL)/uv.txt && printf '%s\n' $(unused) > $(TOOL)/unused.txt
INSTALL = $(UV) pip install --python $(BIN)/python $(if $(QUIET)$(JSON),--quiet) --require-hashes --only-binary :all:
FROM_LOCK = $(INSTALL) --constraint requirements.txt --requirement pyproject.toml $(if $(filter lab dev,$(parts) $*),,--excludes $(TOOL)/unused.txt)
# What IPython and its kernel name, and import in JupyterLab alone: completion and the debugger.
unused := jedi debugpy
COMPILE = $(UV) pip compile --quiet --universal --generate-hashes --python-version 3.11 --custom-compile-command 'make lock'
parts = $(patsubst $(VENV)/.with-%,%,$(wildcard $(VENV)/.with-*))

.DEFAULT_GOAL := help
# One thing after another, whatever -j says: all that is installed goes through one $(TOOL), and check reads what report made.
.NOTPARALLEL:
.PHONY: help maintain report pdf slides verify check renew test lab dashboard dataset score lists compare bench matrix pictures docs messages postgres spark lint audit lock release clean

help: ## print this list
	@awk -F ':.*[^#]## ' '/^[a-z]+:.*[^#]## / {printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

maintain: ## print what maintainers use
	@awk -F ':.*### ' '/^[a-z]+:.*### / {printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

report: $(READY) ## run the notebooks and render the report: DATASET= DATA= K= METHOD= FEATURES= SEED= RESAMPLES= ENGINE= ENCODING= DECIMAL= DATES= BASE= MODEL= LANG=de RUN=; JSON=1 or QUIET=1 for scripts
	$(segmentation) report $(options)

pdf: $(VENV)/.with-pdf ## the same, and report.pdf: its first part, or with FULL=1 all of it
	$(segmentation) pdf $(options)

slides: $(VENV)/.with-slides ## the same, and its first part as slides for a browser and for PowerPoint
	$(segmentation) slides $(options)

verify: $(READY) ## make a finished run again elsewhere and compare every byte: RUN= DATA=
	$(segmentation) verify $(options)

check: $(READY) ### compare the sample report that was made with the one that is expected
	@$(BIN)/python -m tests.golden

renew: $(READY) ### expect from now on the sample report that was made
	@$(BIN)/python -m tests.golden renew

test: $(DEV) ## run all tests
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist worksteal

lab: $(VENV)/.with-lab ## open JupyterLab on notebooks/: PORT= and other options of its own, flags as ARGS=--no-browser
	$(segmentation) lab $(options) $(ARGS)

dashboard: $(VENV)/.with-dashboard ## explore a finished run in the browser, on this machine alone: RUN=mall HOST= PORT=
	$(segmentation) dashboard $(options)

dataset: $(READY) ## look at a new table and write a dataset.yaml to start from: NAME=shop DATA=shop.csv ENCODING= DECIMAL= DATES=
	$(segmentation) dataset $(options)

score: $(READY) ## the segment of each new customer: DATASET= NEW=new.csv OUT=scored.csv ENCODING= RUN=
	$(segmentation) score $(options)

lists: $(READY) ## the customers of each segment of a finished run, as a workbook and for a CRM: RUN=april
	$(segmentation) lists $(options)

compare: $(READY) ## what changed between two runs, as a report: BASE=march RUN=april; over several: RUNS=jan,feb,mar
	$(segmentation) compare $(options)

bench: $(DEV) $(if $(EVIDENCE),,$(VENV)/.of-bench $(VENV)/.of-spark) ### measure what people wait for, beside other ways, and write the tables of docs/scale.md (50 minutes of an idle machine); how often verdicts are right: EVIDENCE=1
ifdef EVIDENCE
	@$(BIN)/python -m tests.benchmarks.evidence_rates
else
	@$(BIN)/python -m tests.benchmarks
endif

matrix: $(READY) ### prove with which Pythons a report is made on this machine: TREE=folder (to keep a Debian in) MIRROR=
	@$(BIN)/python -m tests.pythons $(options)

pictures: $(DEV) ### take the pictures of the README again (needs Chromium)
	$(segmentation) pdf
	@$(BIN)/python -m tests.pictures

docs: $(DEV) $(VENV)/.of-docs ### build the documents as a site, site/index.html, with a gallery (needs Chromium)
	@$(BIN)/python -m tests.docs

messages: $(DEV) ### collect what the report says into segmentation/language/*.po, to be translated
	@$(BIN)/python -m tests.catalogue

postgres: $(VENV)/.with-postgres ## install the driver for DATA=postgresql://...

spark: $(VENV)/.of-spark ## install what ENGINE=spark needs besides Java

lint: $(DEV) ### check code, types, imports and notebooks
	@$(BIN)/python -m ruff check
	@$(BIN)/python -m ruff format --check
	@$(BIN)/lint-imports --no-logo || { echo "docs/architecture.md tells which package may import which"; exit 1; }
	@$(BIN)/python -m mypy
	@$(BIN)/python -m nbstripout --keep-id --verify notebooks/*.ipynb || { echo "notebooks hold outputs; remove them: $(BIN)/python -m nbstripout --keep-id notebooks/*.ipynb"; exit 1; }

audit: $(VENV)/.of-audit ### ask the public database of vulnerabilities about every locked package (needs the network)
	@$(BIN)/python -m pip_audit --disable-pip --require-hashes $(addprefix --requirement ,$(wildcard requirements*.txt))

release: $(DEV) ### bump the version everywhere and date the changelog, and commit nothing: PART=minor or VERSION=0.2.0
	@$(BIN)/python -m uv version --frozen $(if $(VERSION),$(call quoted,$(VERSION)),--bump $(call quoted,$(or $(PART),minor)))
	@version=$$($(BIN)/python -m uv version --short) day=$$(git log -1 --format=%cs) && \
	  sed -i.bak "s/^## Unreleased$$/&\n\n## $$version ($$day)/" CHANGELOG.md && \
	  sed -i.bak "s/^version: .*/version: $$version/; s/^date-released: .*/date-released: \"$$day\"/" CITATION.cff && \
	  sed -i.bak "s/\(The version of segmentation-report, default: \).*}/\1$$version}/" action.yml && \
	  rm CHANGELOG.md.bak CITATION.cff.bak action.yml.bak

lock: | $(VENV)/pyvenv.cfg ### compile the six locks, requirements*.txt, from pyproject.toml
	@$(get_uv)
	@$(COMPILE) --upgrade pyproject.toml --extra dev --group build --output-file requirements.txt
	@$(COMPILE) pyproject.toml --group build --constraint requirements.txt --output-file requirements-report.txt
	@$(COMPILE) --upgrade --group spark --constraint requirements.txt --output-file requirements-spark.txt
	@$(COMPILE) --upgrade --group bench --constraint requirements.txt --output-file requirements-bench.txt
	@$(COMPILE) --upgrade --group docs --constraint requirements.txt --output-file requirements-docs.txt
	@$(COMPILE) --upgrade --group audit --constraint requirements.txt --output-file requirements-audit.txt
	@rm -rf $(TOOL)

clean: $(READY) ## remove what was generated under assets/ and report/
	$(segmentation) clean

$(VENV)/pyvenv.cfg:
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is not installed; install Python 3.11 to 3.15, or name it: make report PYTHON=python3.12" >&2; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 15))' || { echo "$$($(PYTHON) --version) is not supported; install Python 3.11 to 3.15, or name it: make report PYTHON=python3.12" >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) has no venv module; install it, on Debian: apt-get install python3-venv" >&2; exit 2; }
	@$(PYTHON) -m venv --clear --without-pip $(VENV)

# What a report needs, and what earlier commands needed beyond it: these very packages, and no others.
$(READY): requirements.txt pyproject.toml | $(VENV)/pyvenv.cfg
	@echo "$(if $(wildcard $@),Bringing $(VENV) to what is locked now,Setting up $(VENV), once): for a report $(of_report)$(foreach part,$(parts), and for $(part) $(of_$(part)))" >&2
	@$(get_uv)
	@$(FROM_LOCK) --exact $(addprefix --extra ,$(parts))
	@echo "Installing this project into $(VENV); the first report takes longer, because Python compiles what it imports" >&2
	@$(UV) pip install --python $(BIN)/python --quiet --no-deps --build-constraint requirements.txt --editable .
	@rm -rf $(VENV)/.of-* $(TOOL)
	@touch $@

# What one command needs beyond a report, when it is first used; for development all of it.
$(VENV)/.with-%: | $(READY)
	@[ -e $(DEV) ] || { echo "Installing what $* needs beyond a report into $(VENV), once: $(of_$*)" >&2 && $(get_uv) && $(FROM_LOCK) --extra $* && rm -rf $(TOOL); }
	@touch $@

# The same from a lock of its own.
$(VENV)/.of-%: requirements-%.txt | $(READY)
	@echo "Installing what $* needs into $(VENV): $(of_$*)" >&2
	@$(get_uv)
	@$(INSTALL) --requirement $<
	@rm -rf $(TOOL)
	@touch $@

# PySpark is a source archive: what builds it comes first, by its hash too, and nothing is fetched for the building.
$(VENV)/.of-spark: requirements-spark.txt | $(READY)
	@echo "Installing what ENGINE=spark needs into $(VENV): $(of_spark)" >&2
	@$(get_uv)
	@sed -n '/^setuptools==/,/[^\\]$$/p' requirements-spark.txt > $(TOOL)/build.txt
	@$(INSTALL) --requirement $(TOOL)/build.txt
	@$(INSTALL) --no-binary pyspark --no-build-isolation --requirement requirements-spark.txt
	@rm -rf $(TOOL)
	@touch $@
