# SPDX-License-Identifier: GPL-2.0
"""report.html: the report as a page that needs nothing else."""

import math
import statistics
from html import escape

from . import report as tables
from .table import Goal

_COLOURS = {"mainline": "#c25b1a", "series": "#1f6fb2"}
_WIDTH, _LEFT, _RIGHT, _ROW = 760, 90, 130, 34
_STYLE = """
body { font: 15px/1.5 sans-serif; color: #222; background: #fff;
  max-width: 74rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin-bottom: .2rem; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .2rem; border-top: 1px solid #ccc;
  padding-top: 1rem; }
table { border-collapse: collapse; font-size: .85rem; }
th, td { text-align: left; padding: .25rem .7rem; border-bottom: 1px solid #ddd;
  vertical-align: top; }
td { white-space: nowrap; }
td.goal { white-space: normal; }
td.number { text-align: right; }
.yes { color: #1a7a3c; font-weight: bold; }
.no { color: #b3261e; font-weight: bold; }
.note { color: #555; font-size: .85rem; }
figure { margin: 1rem 0; }
figcaption { font-size: .9rem; }
code { font-size: .85rem; }
svg { max-width: 100%; height: auto; }
"""


class Scale:
    """From values to places; logarithmic when they are far apart."""

    def __init__(self, values):
        self.top = max(values, default=0) or 1
        positive = [v for v in values if v > 0]
        self.log = bool(positive) and self.top / min(positive) > 30
        self.low = min(positive) / 2 if self.log else 0

    def x(self, value):
        """Where a value is, in the picture's units."""
        span = _WIDTH - _LEFT - _RIGHT
        if not self.log:
            return _LEFT + span * max(value, 0) / self.top
        if value <= self.low:
            return _LEFT
        return _LEFT + span * math.log(value / self.low) / \
            math.log(self.top / self.low)

    def ticks(self):
        """Round values along the scale."""
        if self.log:
            first = math.ceil(math.log10(self.low))
            last = math.floor(math.log10(self.top))
            step = max(1, (last - first + 1) // 6)
            return [10 ** n for n in range(first, last + 1, step)]
        width = 10.0 ** math.floor(math.log10(self.top))
        while self.top / width < 3:
            width /= 2
        return [width * n for n in range(int(self.top / width) + 1)]


def _bar(y, side, values, error, scale):
    colour = _COLOURS[side]
    rows = [f'<text x="{_LEFT - 10}" y="{y + 17}" text-anchor="end">{side}'
            '</text>']
    if values is None:
        words = error or "no value"
        words = words if len(words) < 85 else words[:82] + "..."
        rows.append(f'<text x="{_LEFT + 6}" y="{y + 17}" fill="#b3261e">'
                    f'{escape(words)}</text>')
        return rows
    middle = statistics.median(values)
    end = scale.x(middle)
    rows.append(f'<rect x="{_LEFT}" y="{y + 3}" width="{end - _LEFT:.1f}" '
                f'height="18" fill="{colour}" fill-opacity="0.35"/>')
    rows += [f'<circle cx="{scale.x(v):.1f}" cy="{y + 12}" r="4" '
             f'fill="{colour}"><title>{v}</title></circle>' for v in values]
    edge = scale.x(max(values))
    rows.append(f'<text x="{max(edge, end) + 10:.1f}" y="{y + 17}">'
                f'{escape(tables.number(middle))}</text>')
    return rows


def plot(entry):
    """Both sides of one entry as bars, every repetition as a dot."""
    values = [v for side in tables.SIDES for v in entry[side] or []]
    goal = Goal(entry["goal"]).line()
    scale = Scale(values + ([goal] if goal else []))
    height = 2 * _ROW + 46
    rows = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" '
            f'height="{height}" viewBox="0 0 {_WIDTH} {height}" '
            'font-family="sans-serif" font-size="12" fill="#222" role="img">',
            f'<title>{escape(entry["metric_title"])}</title>']
    bottom = 2 * _ROW + 18
    for tick in scale.ticks():
        x = scale.x(tick)
        rows.append(f'<line x1="{x:.1f}" y1="14" x2="{x:.1f}" y2="{bottom}" '
                    'stroke="#e3e3e3"/>')
        rows.append(f'<text x="{x:.1f}" y="{bottom + 16}" fill="#666" '
                    f'text-anchor="middle">{escape(tables.number(tick))}'
                    '</text>')
    rows.append(f'<text x="{_WIDTH - 4}" y="{bottom + 16}" fill="#666" '
                f'text-anchor="end">{escape(entry["unit"])}'
                f'{", logarithmic" if scale.log else ""}</text>')
    for number, side in enumerate(tables.SIDES):
        rows += _bar(14 + number * _ROW, side, entry[side],
                     entry.get(f"{side}_error"), scale)
    if goal is not None:
        x = scale.x(goal)
        rows.append(f'<line x1="{x:.1f}" y1="10" x2="{x:.1f}" y2="{bottom}" '
                    'stroke="#1a7a3c" stroke-width="1.5" '
                    'stroke-dasharray="5 3"/>')
        rows.append(f'<text x="{x:.1f}" y="9" fill="#1a7a3c" '
                    'text-anchor="middle" font-size="10">goal</text>')
    rows.append(f'<line x1="{_LEFT}" y1="14" x2="{_LEFT}" y2="{bottom}" '
                'stroke="#333"/>')
    return "\n".join(rows + ["</svg>"])


def _figure(entry):
    met = ('<span class="yes">goal met</span>' if entry["met"] else
           '<span class="no">goal not met</span>')
    better = f"{entry['better']} is better"
    times = f"; {tables.ratio(entry)} times better" if entry["ratio"] else ""
    return (f"<figure>\n<figcaption><b>{escape(entry['metric_title'])}</b> "
            f"({better}{escape(times)}). {met}: "
            f"<code>{escape(entry['goal'])}</code></figcaption>\n"
            f"{plot(entry)}\n</figure>")


def _table(made):
    rows = ["<table>", "<tr>" + "".join(f"<th>{escape(h)}</th>"
                                        for h in tables.HEAD) + "</tr>"]
    for cells in tables.rows(made):
        *left, goal, met = cells
        rows.append("<tr>" + "".join(
            f'<td{" class=number" if n >= 2 else ""}>{escape(c)}</td>'
            for n, c in enumerate(left)) +
            f'<td class="goal">{escape(goal)}</td>'
            f'<td class="{met.lower()}">{met.lower()}</td></tr>')
    return "\n".join(rows + ["</table>"])


def _reports(report, name):
    """What the kernel itself complained about during a scenario's runs."""
    found: dict = {}
    for run in report["runs"]:
        if run["scenario"] == name:
            for title in run["kernel_reports"]:
                key = run["variant"], title
                found[key] = found.get(key, 0) + 1
    return [f'<p class="note">{escape(side)}, kernel log, {number} times: '
            f'<code>{escape(title)}</code></p>'
            for (side, title), number in found.items()]


def _about(report):
    host = report["host"]
    facts = [("base", f"Linux {report['base']} ({report['origin']})"),
             ("mainline", f"the base and the GPU model: tree "
              f"{report['mainline']['tree'][:12]}"),
             ("series", f"all of it: tree {report['series']['tree'][:12]}"),
             ("guest", host["machine"]),
             ("host", f"{host['cpus']} x {host['cpu']}, "
              f"{host['memory_mib']} MiB, Linux {host['kernel']}; load up to "
              f"{host['load']}"),
             ("compiler", host["compiler"]),
             ("repetitions", f"{report['repeat']}, mainline and series by "
              "turns, each in a guest of its own"),
             ("data", report["seed"]), ("measured", report["date"])]
    return "<table>" + "".join(
        f"<tr><th>{escape(k)}</th><td>{escape(str(v))}</td></tr>"
        for k, v in facts) + "</table>"


def html(report):
    """The whole page."""
    made = report["scenarios"]
    met = sum(e["met"] for e in made)
    parts = ["<!DOCTYPE html>", '<html lang="en"><head><meta charset="utf-8">',
             "<title>panthor reclaim: mainline and the series</title>",
             f"<style>{_STYLE}</style></head><body>",
             "<h1>GPU memory reclaim: mainline and the series</h1>",
             f"<p>{met} of {len(made)} goals are met. Bars are medians, dots "
             "are single runs. The GPU is a software model in an emulated "
             "machine: times mean something only beside each other.</p>",
             _table(made)]
    for name in dict.fromkeys(e["name"] for e in made):
        own = [e for e in made if e["name"] == name]
        parts.append(f"<h2>{escape(name)}</h2>\n"
                     f"<p>{escape(own[0]['title'])}</p>")
        parts += [_figure(e) for e in own]
        parts += [f'<p class="note">{escape(side)}: {escape(words)}</p>'
                  for _, side, words in tables.errors(own)]
        parts += _reports(report, name)
    parts += ["<h2>How it was measured</h2>", _about(report), "</body></html>"]
    return "\n".join(parts) + "\n"
