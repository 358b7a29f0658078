# The two commands of the README are `make demo` and `make test`; both need Python 3.11 to 3.13 and a package index.
PYTHON ?= python3
VENV   ?= .venv
BIN     = $(VENV)/bin
READY   = $(VENV)/.ready

# $(call timed,NAME,COMMAND) says at the end how long the command took, and fails as it did.
timed = (began=$$(date +%s); $(2); code=$$?; took=$$(($$(date +%s) - began)); \
	echo "$(1): $$((took / 60)) min $$((took % 60)) s"; exit $$code)

# `make test-all LEFT_OUT="and not study"` is what CI runs: the study notes' notebooks take minutes and hardly change.
LEFT_OUT ?=
# The quick tests are those without one of these marks (setup.cfg). Of the two processes, the one that is done with its
# half takes over from the other.
HELD_BACK = slow or browser or gui or cluster
PYTEST    = $(BIN)/python -m pytest -n 2 --dist worksteal
QUICK     = $(PYTEST) -m "not ($(HELD_BACK))"
REST      = $(PYTEST) --dist loadfile -m "($(HELD_BACK)) $(LEFT_OUT)"

.PHONY: demo test test-all coverage release-check mutants lint docs clean

demo: $(READY)
	$(BIN)/facetracker demo

test: $(READY)
	@$(call timed,make test,$(QUICK))

test-all: $(READY)
	@$(call timed,make test-all,$(call timed,the quick tests,$(QUICK)) && $(call timed,the rest,$(REST)))

# Every test again, and how much of the package they run. Apart from `test-all`, because counting doubles the time of
# whatever uses tensorflow.
coverage: $(READY)
	@$(call timed,make coverage,$(QUICK) --cov --cov-report= && \
		$(REST) --cov --cov-append --cov-report=term:skip-covered --cov-fail-under=90)

# Before a release: is a figure of the README older than the code it measures? Do the tests run 90 % of the package? Are
# the lower bounds of setup.cfg true? The last two questions take half an hour each on two idle cores.
release-check: coverage
	$(BIN)/python benchmarks/run_all.py --check
	$(BIN)/python scripts/lowest_versions.py

# Do the tests bite? Small faults in the core rooms, and how many of them the tests notice.
mutants: $(READY)
	$(BIN)/python benchmarks/mutants.py --show

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(READY)
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet docs build/docs
	@echo build/docs/index.html

# albumentations brings opencv-python-headless, which lands in the same folder cv2/ as opencv-python: the one that
# is installed last wins. The last line makes it the one with windows.
$(READY): setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	$(BIN)/python -m pip install --quiet --force-reinstall --no-deps opencv-python
	touch $(READY)

clean:
	rm -rf $(VENV) build dist *.egg-info
