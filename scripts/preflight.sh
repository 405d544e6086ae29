#!/usr/bin/env bash
# The check before a commit: environment, audit, composition, and both documented experiments built without weights.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ -x .venv/bin/preflight ]; then PATH="$PWD/.venv/bin:$PATH"; fi

preflight env
preflight check
if ! python -c "import hydra" 2>/dev/null; then
  echo "hydra is not installed: composition and experiments are skipped (pip install -e '.[train]')"
  exit 0
fi
preflight compose
if ! python -c "import torch" 2>/dev/null; then
  echo "torch is not installed: building the experiments is skipped (pip install -e '.[train]')"
  exit 0
fi
python - <<'PYTHON'
import torch

from ocr.text.charset import Charset
from ocr.training.build import build_module, without_pretrained
from ocr.training.hydra_app import compose, resolve

for experiment in ("det_resnet50_v1", "rec_baseline_v1"):
    config = without_pretrained(resolve(compose([f"experiment={experiment}"])))
    with torch.device("meta"):
        module = build_module(config, Charset.default())
    count = sum(parameter.numel() for parameter in module.parameters())
    print(f"{experiment}: {type(module).__name__} with {count / 1e6:.1f} million parameters builds")
PYTHON
