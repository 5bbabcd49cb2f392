# SPDX-License-Identifier: GPL-2.0
"""report.json, the table on the terminal, and README's."""

import re
import statistics

from ..ui import Fail

BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"
SIDES = ("mainline", "series")


def ratios(mainline, series, better):
    """How many times better the series is, repetition by repetition.

    None when a repetition has no ratio, because a number in it is 0.
    """
    if not mainline or not series or len(mainline) != len(series):
        return None
    pairs = list(zip(series, mainline) if better == "higher" else
                 zip(mainline, series))
    if any(below <= 0 or above < 0 for above, below in pairs):
        return None
    return [above / below for above, below in pairs]


def _values(runs, metric):
    """(values, why there are none)."""
    errors = [r.error for r in runs if r.error]
    if errors:
        return None, (errors[0] if len(runs) == len(errors) else
                      f"{len(errors)} of {len(runs)} runs: {errors[0]}")
    if metric.good:
        bad = [r.text for r in runs if r.outcome != "good"]
        if bad:
            return None, bad[0]
    missing = [r for r in runs if metric.name not in r.metrics]
    if missing or not runs:
        return None, f"the scenario printed no '{metric.name}'"
    units = {r.units[metric.name] for r in runs}
    if units != {metric.unit}:
        raise Fail(f"{runs[0].scenario} prints {metric.name} in "
                   f"{' and '.join(sorted(units))}; bench/scenarios.toml says "
                   f"{metric.unit}")
    return [r.metrics[metric.name] for r in runs], None


def entry(scenario, metric, runs):
    """One scenario and metric. runs: {side: runs in order}."""
    made = {"name": scenario.name, "title": scenario.title,
            "metric": metric.name, "metric_title": metric.title,
            "unit": metric.unit, "better": metric.better}
    for side in SIDES:
        values, error = _values(runs[side], metric)
        made[side] = values
        if error:
            made[f"{side}_error"] = error
    found = ratios(made["mainline"], made["series"], metric.better)
    made["ratio"] = {
        "median": round(statistics.median(found), 3),
        "min": round(min(found), 3), "max": round(max(found), 3)} \
        if found else None
    made["goal"] = metric.goal.text
    made["met"] = metric.goal.met({
        "mainline": made["mainline"], "series": made["series"],
        "ratio": found})
    return made


def entries(scenarios, runs):
    """All of them. runs: {(scenario, side): runs}."""
    return [entry(s, m, {side: runs[s.name, side] for side in SIDES})
            for s in scenarios for m in s.metrics]


def number(value):
    """A number as a person wants to read it."""
    if abs(value) >= 1e6:
        return f"{value / 1e6:.3g}M"
    if abs(value) >= 1000:
        return f"{value / 1000:.3g}k" if abs(value) >= 1e5 else f"{value:.0f}"
    return f"{value:.3g}"


def spread(values):
    """Median, and from where to where."""
    if values is None:
        return "-"
    text = number(statistics.median(values))
    if min(values) != max(values):
        text += f" ({number(min(values))}..{number(max(values))})"
    return text


def ratio(made):
    """The ratio with its spread."""
    if not made["ratio"]:
        return "-"
    low, high = made["ratio"]["min"], made["ratio"]["max"]
    text = number(made["ratio"]["median"])
    return text + (f" ({number(low)}..{number(high)})" if low != high else "")


def rows(made):
    """The cells of the table, one row an entry."""
    return [(e["name"], f"{e['metric']} [{e['unit']}]", spread(e["mainline"]),
             spread(e["series"]), ratio(e), e["goal"],
             "yes" if e["met"] else "NO") for e in made]


HEAD = ("scenario", "metric", "mainline", "series", "times better", "goal",
        "met")


def errors(made):
    """What went wrong, each once: (scenario, side, words)."""
    return list(dict.fromkeys(
        (e["name"], side, e[f"{side}_error"]) for e in made for side in SIDES
        if f"{side}_error" in e))


def terminal(report):
    """The table as text."""
    lines = [HEAD] + rows(report["scenarios"])
    width = [max(len(r[i]) for r in lines) for i in range(len(HEAD))]
    text = ["  ".join(c.ljust(w) for c, w in zip(r, width)).rstrip()
            for r in lines]
    text.insert(1, "-" * len(text[0]))
    text += [f"{name} on {side}: {words}" for name, side, words in
             errors(report["scenarios"])]
    return "\n".join(text)


def markdown(report):
    """The table for README."""
    def clean(cell):
        return cell.replace("|", "\\|")
    text = ["| " + " | ".join(HEAD) + " |", "| " + " | ".join(
        ["---"] * len(HEAD)) + " |"]
    text += ["| " + " | ".join(map(clean, r)) + " |"
             for r in rows(report["scenarios"])]
    text += ["", f"Median (and range) of {report['repeat']} boots each, Linux "
             f"{report['base']}, {report['host']['machine']}, on a host with "
             f"{report['host']['cpus']} CPUs; 'times better' compares runs of "
             "the same repetition."]
    wrong = errors(report["scenarios"])
    if wrong:
        text += [""] + [f"- {name} on {side}: {words}"
                        for name, side, words in wrong]
    return "\n".join(text)


def put(readme, text):
    """Put the table between README's marks."""
    if readme.count(BEGIN) != 1 or readme.count(END) != 1 or \
       readme.index(BEGIN) > readme.index(END):
        raise Fail(f"README.md needs the lines '{BEGIN}' and '{END}', once "
                   "each: the table goes between them")
    return re.sub(f"{re.escape(BEGIN)}.*{re.escape(END)}",
                  lambda _: f"{BEGIN}\n{text}\n{END}", readme, flags=re.S)
