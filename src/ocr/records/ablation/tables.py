"""The effects of an ablation as CSV, Markdown, LaTeX, and as a plot."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from ocr.optional import safe_import
from ocr.records.ablation.effects import Effect

HEADINGS = ("factor", "value", "n", "mean", "spread", "difference", "deviation", "pairs")
_LATEX = str.maketrans({c: f"\\{c}" for c in "&%$#_{}"} | {"~": r"\textasciitilde{}", "^": r"\textasciicircum{}"})


def as_csv(effects: Sequence[Effect]) -> str:
    """A row for each value of each factor, numbers in full."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*HEADINGS, "baseline"])
    for effect in effects:
        values = [getattr(effect, heading) for heading in HEADINGS]
        writer.writerow([*("" if value is None else value for value in values), effect.is_baseline])
    return text.getvalue()


def as_markdown(effects: Sequence[Effect]) -> str:
    """A table whose baseline rows are marked."""
    lines = [f"| {' | '.join(HEADINGS)} |", "|" + "---|" * len(HEADINGS)]
    lines += [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in _cells(effect))} |" for effect in effects]
    return "\n".join(lines) + "\n"


def as_latex(effects: Sequence[Effect]) -> str:
    """A tabular with rules between factors, for the booktabs package."""
    lines = [r"\begin{tabular}{llrrrrrr}", r"\toprule", " & ".join(HEADINGS) + r" \\"]
    before = None
    for effect in effects:
        if effect.factor != before:
            lines.append(r"\midrule")
        before = effect.factor
        lines.append(" & ".join(cell.translate(_LATEX) for cell in _cells(effect)) + r" \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def _cells(effect: Effect) -> list[str]:
    value = f"{effect.value} (baseline)" if effect.is_baseline else str(effect.value)
    numbers = (effect.mean, effect.spread, effect.difference, effect.deviation)
    mean, spread, difference, deviation = ("-" if number is None else f"{number:.4f}" for number in numbers)
    if effect.difference is not None:
        difference = f"{effect.difference:+.4f}"
    return [effect.factor, value, str(effect.n), mean, spread, difference, deviation, str(effect.pairs)]


FORMATS = {"csv": as_csv, "markdown": as_markdown, "latex": as_latex}


def save_plot(effects: Sequence[Effect], metric: str, path: Path) -> None:
    """Draw each value's mean with its spread over seeds, a panel for each factor; the suffix says PNG, SVG or PDF.

    Raises MissingExtraError without matplotlib.
    """
    figure_module = safe_import("matplotlib.figure")
    factors = list(dict.fromkeys(effect.factor for effect in effects))
    figure = figure_module.Figure(figsize=(6.4, 0.7 + 0.45 * len(effects) + 0.5 * len(factors)), layout="constrained")
    heights = [sum(effect.factor == factor for effect in effects) for factor in factors]
    panels = figure.subplots(len(factors), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    for panel, factor in zip(panels, factors, strict=True):
        shown = [effect for effect in effects if effect.factor == factor][::-1]
        for height, effect in enumerate(shown):
            if effect.mean is None:
                continue
            colour = "tab:gray" if effect.is_baseline else "tab:blue"
            panel.errorbar(effect.mean, height, xerr=effect.spread or 0.0, fmt="o", color=colour, capsize=3)
            if effect.is_baseline:
                panel.axvline(effect.mean, color="tab:gray", linewidth=0.8, linestyle="--")
        panel.set_yticks(range(len(shown)), [f"{effect.value}\nn={effect.n}" for effect in shown], fontsize=8)
        panel.set_ylim(-0.6, len(shown) - 0.4)
        panel.set_title(factor, fontsize=9, loc="left")
    panels[-1].set_xlabel(f"{metric} (bars: deviation over seeds; dashed: baseline)", fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
