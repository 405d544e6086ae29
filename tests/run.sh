#!/bin/sh
# The test run of `make test`: everything but gpu and slow, with branch coverage; CI=true adds slow.
set -eu
cd "$(dirname "$0")/.."
select='not gpu and not slow'
[ "${CI:-}" = true ] && select='not gpu'
rm -f .coverage .coverage.*
# Tests start hundreds of processes: with bytecode kept, an import of lightning takes half the time.
unset PYTHONDONTWRITEBYTECODE
# Two processes on two cores; each worker keeps numeric libraries to one thread, or they fight over the cores.
OMP_NUM_THREADS=1 .venv/bin/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -q -m "$select" --cov --cov-report=term "$@"
