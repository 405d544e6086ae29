"""From a resolved config to a module: what training, export and judging of a checkpoint have in common."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ocr.errors import CheckpointError, ConfigError
from ocr.records.checkpoint import CheckpointCard
from ocr.records.legacy_targets import translate
from ocr.records.upgrade import usable_card
from ocr.text.charset import Charset
from ocr.training import weights
from ocr.training.instantiate import check, instantiate
from ocr.training.start import start_of, with_kept_graph


def optimizer_of(config: dict[str, Any]) -> dict[str, Any]:
    """The one optimizer of a config: ``train.optimizer`` or ``model.optimizer``; ConfigError for both or neither."""
    places = {place: (config.get(place) or {}).get("optimizer") for place in ("train", "model")}
    given = [place for place, node in places.items() if node]
    if len(given) == 2:
        raise ConfigError(
            "train.optimizer and model.optimizer are both set; keep one: add train/optimizer=none to use the model's"
        )
    if not given:
        raise ConfigError("there is no optimizer: set train.optimizer (train/optimizer=adamw) or model.optimizer")
    return dict(places[given[0]] or {})


def scheduler_of(config: dict[str, Any]) -> dict[str, Any] | None:
    """The schedule beside the optimizer: ``train.scheduler`` or ``model.scheduler``; ConfigError when both are set."""
    given = [node for place in ("train", "model") if (node := (config.get(place) or {}).get("scheduler"))]
    if len(given) == 2:
        raise ConfigError("train.scheduler and model.scheduler are both set; keep one")
    return dict(given[0]) if given else None


def build_module(config: dict[str, Any], charset: Charset | None = None) -> Any:
    """Build the Lightning module of a resolved config; `charset` goes to its tokenizer when it has one."""
    model = {key: node for key, node in config["model"].items() if key not in ("optimizer", "scheduler")}
    scheduler = scheduler_of(config)
    run_time: dict[str, Any] = {
        "optimizer": instantiate(optimizer_of(config)),
        "scheduler": None if scheduler is None else instantiate(scheduler),
    }
    if "tokenizer" in model:
        run_time["tokenizer"] = instantiate(model.pop("tokenizer"))(charset=charset)
    return instantiate(model, **run_time)


def load_module(
    checkpoint: Path, *, average: Sequence[Path] = (), start_share: float = 0.0
) -> tuple[Any, CheckpointCard]:
    """Rebuild the module a checkpoint was saved from, by its card alone, with its weights; ready for inference.

    Its weights are the mean of its own and of those of the checkpoints of ``average``; ``start_share`` of them, 0 to 1,
    comes from the published graph that its training started from. Raises CardError without a card, CheckpointError when
    the weights are not those of the module the card describes, ConfigError for a share of a start that was no graph.
    """
    card = usable_card(checkpoint)
    state = weights.load(checkpoint)["state_dict"]
    config = translate(without_pretrained(card.config))
    model = config.get("model")
    if not isinstance(model, dict) or "network" not in model:
        held = "; ".join(f"{key} {tuple(value.shape)}" for key, value in list(state.items())[:3])
        more = f" and {len(state) - 3} more" if len(state) > 3 else ""
        raise CheckpointError(
            f"{checkpoint}: of the old code: its config names no model.network to load {held}{more} into; train it anew"
        )
    config = with_kept_graph(config, checkpoint.resolve().parent)
    check({"model": config["model"]})
    module = build_module(config, Charset(tuple(card.charset)) if card.charset else None)
    if average:
        others = {path: weights.load(path)["state_dict"] for path in average}
        for path, other in others.items():
            weights.compare(state, other, path)
        state = weights.mean([state, *others.values()])
    if start_share:
        if "graph" not in model["network"]:
            raise ConfigError(f"{checkpoint}: its training did not start from a graph; export without a share of it")
        if new := getattr(module.network, "new_characters", None):
            raise ConfigError(f"{checkpoint}: its start did not know {new[0]!r}, so export without a share of it")
        weights.compare(module.state_dict(), state, checkpoint)
        state = weights.mixed(module.state_dict(), state, start_share)
    weights.load_exactly(module, state, checkpoint)
    return module.eval(), card if card.start else replace(card, start=start_of(card.config))


def without_pretrained(node: Any) -> Any:
    """A copy of a config in which nothing is downloaded, as the weights come from a checkpoint."""
    if isinstance(node, dict):
        return {key: False if key == "pretrained" else without_pretrained(value) for key, value in node.items()}
    return [without_pretrained(child) for child in node] if isinstance(node, list) else node
