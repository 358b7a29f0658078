# The two commands of the README are `make demo` and `make test`; both need Python 3.11 to 3.13 and a package index.
PYTHON ?= python3
VENV   ?= .venv
BIN     = $(VENV)/bin
READY   = $(VENV)/.ready

.PHONY: demo test lint docs web-assets clean

demo: $(READY)
	$(BIN)/facetracker demo

test: $(READY)
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --cov --cov-report=term:skip-covered --cov-fail-under=90

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# onnxruntime-web for the model in the browser's tab: 14 MB that are in the built wheel and not in git.
web-assets:
	$(PYTHON) scripts/fetch_web_assets.py

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
