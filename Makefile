# `make run` and `make test` are all a newcomer needs: Python 3.11+ and make.
PYTHON ?= python3
BIN := .venv/bin
