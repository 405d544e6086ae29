#!/bin/sh
# The test run of `make test`: everything but gpu and slow, with branch coverage.
# CI=true adds slow, and gives a test that fails a second try: on a machine that others use too, one of the hundreds that
# start processes, browsers and servers may wait longer than it allows. Those that needed it are named at the end.
set -eu
cd "$(dirname "$0")/.."
select='not gpu and not slow'
again=
if [ "${CI:-}" = true ]; then
  select='not gpu'
  again='--reruns 1 -rR'
fi
rm -f .coverage .coverage.*
# Two processes on two cores; each worker keeps numeric libraries to one thread, or they fight over the cores.
OMP_NUM_THREADS=1 .venv/bin/python -m pytest -n 2 --dist loadfile -q $again -m "$select" --cov --cov-report=term "$@"
