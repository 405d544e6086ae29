"""What each factor of an ablation was worth: means, spread over seeds, differences from the baseline."""

import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ocr.records.ablation.grid import Grid, Value
from ocr.records.ablation.run import JobState


@dataclass(frozen=True)
class Effect:
    """A value of a factor: mean metric of its ``n`` runs, their spread over seeds, and what it gains.

    ``spread`` is the standard deviation between seeds with all else equal (pooled), None with one seed. ``difference``
    is the mean of the paired differences from the runs that differ in this factor alone and have its baseline value,
    ``deviation`` the standard deviation of those; None for the baseline itself and where no pair is there.
    """

    factor: str
    value: Value
    is_baseline: bool
    n: int
    mean: float | None
    spread: float | None
    difference: float | None
    deviation: float | None
    pairs: int


def rows(grid: Grid, states: Sequence[JobState]) -> list[dict[str, Any]]:
    """One flat row for each job: its factors and seed, how it stands, its metrics."""
    found = []
    for state in states:
        record = state.record
        found.append(
            {
                **state.job.values,
                "seed": state.job.seed,
                "state": state.state,
                "metric": metric_of(grid, state),
                "run": record.id if record else None,
                "folder": str(state.folder) if state.folder else None,
                "seconds": (record.ended - record.started).total_seconds() if record and record.ended else None,
                "reason": state.reason,
                **(record.metrics if record else {}),
            }
        )
    return found


def metric_of(grid: Grid, state: JobState) -> float | None:
    """The ablation's metric of a completed job; None for others, and for runs that did not log it."""
    return state.record.metrics.get(grid.metric) if state.record and state.state == "completed" else None


def unlogged(grid: Grid, states: Sequence[JobState]) -> str | None:
    """One line on the completed jobs that did not log the metric, and what they did log; None when all have it."""
    done = [state for state in states if state.state == "completed"]
    lacking = [state.record.metrics for state in done if state.record and metric_of(grid, state) is None]
    if not lacking:
        return None
    names = ", ".join(sorted({name for metrics in lacking for name in metrics})) or "nothing"
    return (
        f"{len(lacking)} of {len(done)} completed jobs logged no {grid.metric}, but {names}: name one of these as the "
        "metric, or let a job last until it is validated (+trainer.val_check_interval=N)"
    )


def effects(grid: Grid, states: Sequence[JobState]) -> list[Effect]:
    """The effect of every value of every factor, over the jobs that are completed."""
    scores = {_key(state.job.values, state.job.seed): metric_of(grid, state) for state in states}
    done = [(state, score) for state in states if (score := metric_of(grid, state)) is not None]
    found = []
    for factor, values in grid.factors.items():
        base = grid.baseline[factor]
        for value in values:
            at = [(state.job, score) for state, score in done if state.job.values[factor] == value]
            if grid.design == "single" and value == base:  # the runs of other factors have this value as well
                at = [(job, score) for job, score in at if job.values == grid.baseline]
            pairs = [
                score - other
                for job, score in at
                if value != base and (other := scores.get(_key(job.values | {factor: base}, job.seed))) is not None
            ]
            found.append(
                Effect(
                    factor=factor,
                    value=value,
                    is_baseline=value == base,
                    n=len(at),
                    mean=statistics.fmean(score for _, score in at) if at else None,
                    spread=_pooled([(_key(job.values, 0), score) for job, score in at]),
                    difference=statistics.fmean(pairs) if pairs else None,
                    deviation=statistics.stdev(pairs) if len(pairs) > 1 else None,
                    pairs=len(pairs),
                )
            )
    return found


def _key(values: dict[str, Value], seed: int) -> tuple[Any, ...]:
    return (*sorted(values.items()), seed)


def _pooled(scored: Sequence[tuple[tuple[Any, ...], float]]) -> float | None:
    """Standard deviation within groups of one setting, over all groups with two runs or more."""
    groups: dict[tuple[Any, ...], list[float]] = defaultdict(list)
    for setting, score in scored:
        groups[setting].append(score)
    several = [scores for scores in groups.values() if len(scores) > 1]
    freedom = sum(len(scores) - 1 for scores in several)
    if not freedom:
        return None
    return float((sum((len(s) - 1) * statistics.variance(s) for s in several) / freedom) ** 0.5)
