"""The digest's two pictures: PNG on white, so that dark mode leaves them readable, with letters for a phone's width."""

from __future__ import annotations

import io
from collections.abc import Sequence
from textwrap import shorten

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from rebuttal.reports.figures import ThemeWeek
from rebuttal.reports.language import Words
from rebuttal.reports.week import Week

INK, FAINT, GRID = "#1f2933", "#7b8794", "#e4e7eb"
ACCENT, USUAL = "#c2410c", "#334e68"
_WIDTH, _DPI = 5.6, 200  # 1120 pixels: shown 560 wide on a desk, about 320 on a phone
_FONT = 16.0


def compared_chart(themes: Sequence[ThemeWeek], names: Sequence[str], words: Words) -> bytes:
    """Bars: the week's voices per theme, a mark where they usually are. At most six themes, the largest on top."""
    figure, axes = _figure(0.62 * len(themes) + 0.75)
    places = range(len(themes) - 1, -1, -1)
    axes.barh(places, [theme.count for theme in themes], color=ACCENT, height=0.52)
    marked = [(theme.usual, place) for place, theme in zip(places, themes, strict=True) if theme.usual is not None]
    for colour, width in (("white", 8.0), (USUAL, 4.0)) if marked else ():  # the white rim keeps it visible on the bar
        axes.scatter(
            [usual for usual, _ in marked],
            [place for _, place in marked],
            marker="|",
            s=560,
            linewidths=width,
            color=colour,
            zorder=3,
        )
    furthest = max(max(theme.count, theme.usual or 0.0) for theme in themes)
    for place, theme in zip(places, themes, strict=True):
        beyond = max(theme.count, theme.usual or 0.0)
        axes.text(beyond + furthest * 0.03, place, str(theme.count), va="center", fontsize=_FONT, fontweight="bold")
    axes.set_yticks(list(places), [shorten(name, 24, placeholder="…") for name in names])
    axes.set_xlim(0, furthest * 1.14)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    if marked:
        legend = f"┃ {words('numbers.usual', n='').strip()}"
        axes.text(1, -0.02, legend, transform=axes.transAxes, ha="right", va="top", color=USUAL, fontsize=_FONT - 2)
    return _png(figure)


def trend_chart(trend: Sequence[tuple[Week, int]]) -> bytes:
    """Columns: voices in each of the last weeks, this one in colour; the first, a middle and the last are dated."""
    figure, axes = _figure(2.1)
    counts = [count for _, count in trend]
    places = range(len(trend))
    colours = [USUAL] * (len(trend) - 1) + [ACCENT]
    bars = axes.bar(places, counts, color=colours, width=0.72)
    top = max(*counts, 1)
    for bar, count in zip(bars, counts, strict=True):
        axes.text(bar.get_x() + bar.get_width() / 2, count + top * 0.03, str(count), ha="center", fontsize=_FONT - 3)
    dated = sorted({0, len(trend) // 2, len(trend) - 1})
    axes.set_xticks(dated, [f"{trend[place][0].monday:%d.%m}" for place in dated])
    axes.set_yticks([])
    axes.set_ylim(0, top * 1.18)
    axes.spines["left"].set_visible(False)
    return _png(figure)


def _figure(height: float) -> tuple[Figure, Axes]:
    with mpl.rc_context({"font.family": "DejaVu Sans", "font.size": _FONT, "text.color": INK}):
        figure = Figure(
            figsize=(_WIDTH, height), dpi=_DPI, facecolor="white", layout=ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.1)
        )
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
    axes.tick_params(labelsize=_FONT - 1, length=0, colors=INK)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(GRID)
    return figure, axes


def _png(figure: Figure) -> bytes:
    stream = io.BytesIO()
    # No creation time or program in the file: the same figures give the same bytes.
    figure.savefig(stream, format="png", facecolor="white", metadata={"Software": None})
    return stream.getvalue()
