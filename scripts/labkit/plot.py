# SPDX-License-Identifier: GPL-2.0
"""Line plots over time, as SVG."""

from html import escape

_WIDTH, _HEIGHT = 960, 480
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 190, 60, 50


def _step(span, ticks=8):
    """A round distance of ticks that covers a span."""
    size = 1
    while True:
        for factor in (1, 2, 5):
            if span / (size * factor) <= ticks:
                return size * factor
        size *= 10


class Plot:
    """A plot of several lines over one axis of time."""

    def __init__(self, title, unit, end, top):
        self.end = max(end, 0.001)
        self.top = max(top, 1)
        self.rows = [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" '
            f'height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
            'font-family="sans-serif" font-size="12">',
            '<rect width="100%" height="100%" fill="white"/>',
            f'<text x="{_LEFT}" y="20" font-size="15">{escape(title)}</text>',
        ]
        self.lines = 0
        self._grid(unit)

    def _x(self, seconds):
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * seconds / self.end

    def _y(self, value):
        return _HEIGHT - _BOTTOM - \
            (_HEIGHT - _TOP - _BOTTOM) * min(value, self.top) / self.top

    def _text(self, x, y, text, anchor="start", colour="#333"):
        self.rows.append(f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" '
                         f'text-anchor="{anchor}">{escape(text)}</text>')

    def _line(self, x1, y1, x2, y2, style):
        self.rows.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" '
                         f'y2="{y2:.1f}" {style}/>')

    def _grid(self, unit):
        bottom = _HEIGHT - _BOTTOM
        step = _step(self.top)
        for tick in range(0, int(self.top) + 1, step):
            y = self._y(tick)
            self._line(_LEFT, y, _WIDTH - _RIGHT, y, 'stroke="#ddd"')
            self._text(_LEFT - 8, y + 4, f"{tick}", "end")
        step = _step(self.end, 10)
        for tick in range(0, int(self.end) + 1, step):
            x = self._x(tick)
            self._line(x, bottom, x, bottom + 5, 'stroke="#333"')
            self._text(x, bottom + 20, f"{tick}", "middle")
        self._line(_LEFT, bottom, _WIDTH - _RIGHT, bottom, 'stroke="#333"')
        self._line(_LEFT, _TOP, _LEFT, bottom, 'stroke="#333"')
        self._text(_LEFT - 8, _TOP - 10, unit, "end")
        self._text(_WIDTH - _RIGHT, bottom + 38, "seconds", "end")

    def mark(self, seconds, label):
        """A vertical line with a name at its top."""
        x = self._x(seconds)
        self._line(x, _TOP, x, _HEIGHT - _BOTTOM,
                   'stroke="#888" stroke-dasharray="4 4"')
        self._text(x + 3, _TOP - 6, label, colour="#666")

    def line(self, name, points, colour, dashed=False):
        """A line through (seconds, value)."""
        path = " ".join(f"{self._x(x):.1f},{self._y(y):.1f}"
                        for x, y in points)
        dash = ' stroke-dasharray="6 3"' if dashed else ""
        self.rows.append(f'<polyline fill="none" stroke="{colour}" '
                         f'stroke-width="2"{dash} points="{path}"/>')
        x, y = _WIDTH - _RIGHT + 15, _TOP + 20 + 22 * self.lines
        self._line(x, y - 4, x + 22, y - 4,
                   f'stroke="{colour}" stroke-width="2"{dash}')
        self._text(x + 28, y, name)
        self.lines += 1

    def svg(self):
        """The finished picture."""
        return "\n".join(self.rows + ["</svg>"]) + "\n"
