"""A plot of accuracy against time as SVG: what is on the Pareto front is filled and joined."""

from collections.abc import Sequence
from html import escape

from ocr.evaluation.bench import Measured

WIDTH, HEIGHT = 900, 560
_LEFT, _RIGHT, _TOP, _BOTTOM = 80, 260, 40, 60
_TICKS = 5


def pareto_svg(rows: Sequence[Measured], title: str) -> str:
    """Word F1 up, CPU milliseconds per page to the right, a circle and a label for each row."""
    times, scores = [row.cpu_ms for row in rows], [row.word_f1 for row in rows]
    x_low, x_high = _range(times)
    y_low, y_high = _range(scores)

    def place(time: float, score: float) -> tuple[float, float]:
        x = _LEFT + (time - x_low) / (x_high - x_low) * (WIDTH - _LEFT - _RIGHT)
        y = HEIGHT - _BOTTOM - (score - y_low) / (y_high - y_low) * (HEIGHT - _TOP - _BOTTOM)
        return round(x, 1), round(y, 1)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        'font-size="12">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{_LEFT}" y="22" font-size="14">{escape(title)}</text>',
    ]
    for step in range(_TICKS + 1):
        time, score = x_low + (x_high - x_low) * step / _TICKS, y_low + (y_high - y_low) * step / _TICKS
        x, y = place(time, score)
        parts.append(f'<path d="M{x} {_TOP}V{HEIGHT - _BOTTOM}M{_LEFT} {y}H{WIDTH - _RIGHT}" stroke="#ddd"/>')
        parts.append(f'<text x="{x}" y="{HEIGHT - _BOTTOM + 18}" text-anchor="middle">{time:.0f}</text>')
        parts.append(f'<text x="{_LEFT - 8}" y="{y + 4}" text-anchor="end">{score:.3f}</text>')
    middle = (_LEFT + WIDTH - _RIGHT) / 2
    parts.append(f'<text x="{middle}" y="{HEIGHT - 16}" text-anchor="middle">CPU milliseconds per page</text>')
    parts.append(f'<text x="18" y="{HEIGHT / 2}" transform="rotate(-90 18 {HEIGHT / 2})">word F1</text>')
    front = [place(row.cpu_ms, row.word_f1) for row in sorted(rows, key=lambda row: row.cpu_ms) if row.pareto]
    parts.append(f'<path d="M{" L".join(f"{x} {y}" for x, y in front)}" fill="none" stroke="#0a6"/>')
    for row in rows:
        x, y = place(row.cpu_ms, row.word_f1)
        fill = "#0a6" if row.pareto else "white"
        parts.append(f'<circle cx="{x}" cy="{y}" r="5" fill="{fill}" stroke="#0a6"/>')
        parts.append(f'<text x="{x + 8}" y="{y + 4}">{escape(row.name)}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _range(values: Sequence[float]) -> tuple[float, float]:
    """Ends of an axis: a tenth of room on both sides."""
    low, high = min(values), max(values)
    room = 0.1 * (high - low) or max(0.1 * abs(high), 0.01)
    return low - room, high + room
