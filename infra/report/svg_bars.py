"""A small bar chart as SVG text, for places that show an image but run no script."""

from collections.abc import Sequence
from html import escape

_WIDTH, _ROW, _VALUE, _TOP = 720, 22, 110, 34
_LETTER = 7  # A wide letter of the labels, so that none is cut off.
_GOOD, _BAD, _INK = "#3f7d6e", "#b5473c", "#5b6470"


def svg_bars(title: str, rows: Sequence[tuple[str, float, str]]) -> str:
    """Return one bar a row on a common zero line; a negative value is drawn to the left, red.

    Parameters
    ----------
    rows : sequence of (label, value, text)
        The text stands behind the bar.
    """
    left = 16 + _LETTER * max((len(label) for label, _, _ in rows), default=0)
    width = max(_WIDTH, left + _WIDTH // 2)
    low = min([0.0, *(value for _, value, _ in rows)])
    high = max([0.0, *(value for _, value, _ in rows)])
    unit = (width - left - _VALUE) / ((high - low) or 1.0)
    zero = left - low * unit
    height = _TOP + _ROW * len(rows) + 8
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        f'<text x="8" y="20" font-size="14" font-weight="600" fill="#20262e">'
        f"{escape(title)}</text>",
    ]
    for at, (label, value, text) in enumerate(rows):
        y = _TOP + at * _ROW
        start, stop = sorted((zero, zero + value * unit))
        colour = _BAD if value < 0 else _GOOD
        parts += [
            f'<text x="{left - 8}" y="{y + 15}" text-anchor="end" '
            f'fill="{_INK}">{escape(label)}</text>',
            f'<rect x="{start:.1f}" y="{y + 3}" width="{max(stop - start, 1.0):.1f}" '
            f'height="{_ROW - 7}" fill="{colour}"/>',
            f'<text x="{max(stop, zero) + 6:.1f}" y="{y + 15}" fill="{_INK}">{escape(text)}</text>',
        ]
    return "".join([*parts, "</svg>"])
