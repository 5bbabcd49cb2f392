# SPDX-License-Identifier: GPL-2.0
"""Line plots over time, as SVG."""

from html import escape

_LEFT, _BOTTOM = 44, 50
_SIZE = 13
# No letter of a sans-serif font is much wider, in sizes of the font
_LETTER = 0.74
_ROW = 18


def _step(span, ticks=8):
    """A round distance of ticks that covers a span."""
    size = 1
    while True:
        for factor in (1, 2, 5):
            if span / (size * factor) <= ticks:
                return size * factor
        size *= 10


def _width(text):
    return len(text) * _SIZE * _LETTER


def rows(spans, right):
    """A row for each span (left, width) so that no two overlap in one.

    What would not end before `right` is moved to the left. Returns (x, row) each.
    """
    ends: list = []
    placed: list = []
    for left, width in spans:
        left = max(0, min(left, right - width))
        row = next((n for n, taken in enumerate(ends)
                    if all(end <= left or begin >= left + width
                           for begin, end in taken)), len(ends))
        if row == len(ends):
            ends.append([])
        ends[row].append((left, left + width + _SIZE / 2))
        placed.append((left, row))
    return placed


class Plot:
    """A plot of several lines over one axis of time.

    lines: (name, colour, dashed) each; marks: (seconds, label) each. The legend
    is above the plot, below the title.
    """

    # pylint: disable-next=too-many-arguments,too-many-positional-arguments
    def __init__(self, title, unit, end, top, marks=(), lines=(), size=(960, 480)):
        self.end = max(end, 0.001)
        self.top = max(top, 1)
        self.width, self.height = size
        self.styles = {name: (colour, dashed) for name, colour, dashed in lines}
        self.body = []
        y = self._head(title)
        placed = rows([(self._x(s), _width(label)) for s, label in marks],
                      self.width - 4)
        self.above = y + 10 + _ROW * (max((r for _, r in placed), default=-1) + 1)
        self.height = max(self.height, self.above + 200)
        self._grid(unit)
        for (seconds, label), (x, row) in zip(marks, placed, strict=True):
            base = self.above - 8 - _ROW * row
            at = self._x(seconds)
            self._line(at, base, at, self.height - _BOTTOM,
                       'stroke="#888" stroke-dasharray="4 4"')
            self._text(x + 2, base, label, colour="#333", kind="mark")

    def _head(self, title):
        """Title and legend; returns where they end."""
        self._text(8, 22, title, kind="title")
        x, y = 8, 46
        for name, (colour, dashed) in self.styles.items():
            width = 34 + _width(name)
            if x > 8 and x + width > self.width:
                x, y = 8, y + _ROW
            dash = ' stroke-dasharray="6 3"' if dashed else ""
            self._line(x, y - 4, x + 22, y - 4,
                       f'stroke="{colour}" stroke-width="3"{dash}')
            self._text(x + 27, y, name, kind="legend")
            x += width + 8
        return y + _ROW

    def _x(self, seconds):
        return _LEFT + (self.width - _LEFT - 12) * seconds / self.end

    def _y(self, value):
        return self.height - _BOTTOM - \
            (self.height - self.above - _BOTTOM) * \
            min(value, self.top) / self.top

    # pylint: disable-next=too-many-arguments,too-many-positional-arguments
    def _text(self, x, y, text, anchor="start", colour="#333", kind="axis"):
        self.body.append(f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" '
                         f'fill="{colour}" text-anchor="{anchor}">'
                         f'{escape(text)}</text>')

    def _line(self, x1, y1, x2, y2, style):
        self.body.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" '
                         f'y2="{y2:.1f}" {style}/>')

    def _grid(self, unit):
        bottom, right = self.height - _BOTTOM, self.width - 12
        for tick in range(0, int(self.top) + 1, _step(self.top)):
            y = self._y(tick)
            self._line(_LEFT, y, right, y, 'stroke="#ddd"')
            self._text(_LEFT - 6, y + 4, f"{tick}", "end")
        for tick in range(0, int(self.end) + 1,
                          _step(self.end, (right - _LEFT) // 60)):
            x = self._x(tick)
            self._line(x, bottom, x, bottom + 5, 'stroke="#333"')
            self._text(x, bottom + 20, f"{tick}", "middle")
        self._line(_LEFT, bottom, right, bottom, 'stroke="#333"')
        self._line(_LEFT, self.above, _LEFT, bottom, 'stroke="#333"')
        self._text(_LEFT, bottom + 40, unit)
        self._text(right, bottom + 40, "seconds", "end")

    def line(self, name, points):
        """A line through (seconds, value), by its name in the legend."""
        colour, dashed = self.styles[name]
        path = " ".join(f"{self._x(x):.1f},{self._y(y):.1f}"
                        for x, y in points)
        dash = ' stroke-dasharray="6 3"' if dashed else ""
        self.body.append(f'<polyline fill="none" stroke="{colour}" '
                         f'stroke-width="2"{dash} points="{path}"/>')

    def svg(self):
        """The finished picture."""
        return "\n".join([
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width}" '
            f'height="{self.height:.0f}" role="img" '
            f'viewBox="0 0 {self.width} {self.height:.0f}" '
            f'font-family="sans-serif" font-size="{_SIZE}">',
            "<style>.title{font-weight:bold}"
            ".mark{paint-order:stroke;stroke:white;stroke-width:3}</style>",
            '<rect width="100%" height="100%" fill="white"/>',
            *self.body, "</svg>"]) + "\n"
