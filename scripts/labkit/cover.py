# SPDX-License-Identifier: GPL-2.0
"""The cover letter: a text of the repository, and what was measured."""

import json
import re
import statistics
import textwrap

from .ui import Fail

TEMPLATE = "cover-letter.txt"
MEASURED = "@measured@"
_WIDTH = 72


def parse(text, topic):
    """Subject and body of a topic's letter, with MEASURED for the numbers.

    It is what stands below '# topic: NAME'; other lines that begin with '#' are
    comments.
    """
    subject, rows, wanted = None, [], False
    for line in text.splitlines():
        marker = re.match(r"#\s*topic:\s*(\S+)\s*$", line)
        if marker:
            wanted = marker.group(1) == topic
        elif wanted and line.strip() == "# measured":
            rows.append(MEASURED)
        elif line.startswith("#") or not wanted:
            continue
        elif subject is None and line.startswith("Subject: "):
            subject = line.removeprefix("Subject: ").strip()
        else:
            rows.append(line)
    body = re.sub(r"\n{3,}", "\n\n", "\n".join(rows)).strip()
    if not subject or not body:
        raise Fail(f"patches/{TEMPLATE} needs a 'Subject: ' line and a text "
                   f"below '# topic: {topic}'")
    return subject, body


def _number(value):
    if value is None:
        return "-"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _cell(entry, side):
    values = entry.get(side)
    if not values:
        return "failed"
    return _number(statistics.median(values))


def measured(path, series_tree):
    """What report.json says, as text for a mail."""
    if not path.exists():
        return ("The effect was not measured: there is no report of the "
                "benchmark for this series.")
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
        entries = report["scenarios"]
        repeat = report["repeat"]
        known = report["series"]["tree"]
    except (ValueError, KeyError) as error:
        raise Fail(f"{path} is no report of the benchmark: remove it, or run "
                   "'make bench' again") from error
    rows = [("", "", "mainline", "series", "goal")]
    errors = []
    for entry in entries:
        rows.append((f"{entry['name']}: {entry['metric']}", entry["unit"],
                     _cell(entry, "mainline"), _cell(entry, "series"),
                     "met" if entry["met"] else "not met"))
        for side in ("mainline", "series"):
            words = entry.get(f"{side}_error")
            if words:
                errors.append(f"{entry['name']} on {side}: {words}")
    width = [max(len(r[i]) for r in rows) for i in range(5)]
    table = "\n".join(
        f"  {r[0]:{width[0]}}  {r[1]:{width[1]}}  {r[2]:>{width[2]}}  "
        f"{r[3]:>{width[3]}}  {r[4]}".rstrip() for r in rows)
    lead = (f"Measured on the software GPU under {report['host']['machine']}, "
            "mainline with the GPU model against this series, median of "
            f"{repeat} boots each, one after the other on the same host. The "
            "times are those of an emulated GPU: only the comparison means "
            "something.")
    parts = [textwrap.fill(lead, _WIDTH), table]
    if known != series_tree:
        parts.insert(1, textwrap.fill(
            "These numbers are from an earlier state of the series (tree "
            f"{known[:12]}), not from the one in these mails.", _WIDTH))
    parts += [textwrap.fill(e, _WIDTH, subsequent_indent="  ",
                            break_on_hyphens=False)
              for e in dict.fromkeys(errors)]
    return "\n\n".join(parts)


def base_text(base):
    """Which kernel the series applies to."""
    words = f"The series applies to Linux {base.version} (tag v{base.version})"
    if base.origin != "KERNEL=":
        words += (f"; it was built and tested on that release's source as in "
                  f"{base.origin}")
    return textwrap.fill(words + ".", _WIDTH)


def fill(mail, subject, parts):
    """Put subject and text into the cover letter that git has made."""
    text = mail.read_text(encoding="utf-8")
    for mark, words in (("*** SUBJECT HERE ***", subject),
                        ("*** BLURB HERE ***", "\n\n".join(parts))):
        if mark not in text:
            raise Fail(f"this git makes cover letters without '{mark}'")
        text = text.replace(mark, words, 1)
    mail.write_text(text, encoding="utf-8")
