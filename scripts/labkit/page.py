# SPDX-License-Identifier: GPL-2.0
"""The page of a tour: picture, scenes, verdicts, in one file."""

from html import escape

_STYLE = """
body { font-family: sans-serif; color: #222; background: #fff; margin: 0 auto;
       max-width: 68rem; padding: 1rem; line-height: 1.45; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
svg { display: block; max-width: 100%; height: auto; }
.narrow { display: none; }
@media (max-width: 700px) { .wide { display: none; } .narrow { display: block; } }
dt { font-weight: bold; } dd { margin: 0 0 .5rem 1rem; }
ul.verdicts { list-style: none; padding: 0; }
ul.verdicts li { border-left: .35rem solid #2a7d2a; padding: .1rem .7rem;
                 margin: .5rem 0; overflow-wrap: anywhere; }
ul.verdicts li.bad { border-color: #b00020; background: #fff2f2; }
.by { color: #555; font-size: .9rem; }
pre { overflow-x: auto; font-size: .85rem; }
"""

# What is beside the page, and what it is
FILES = (("memory.svg", "the picture alone"),
         ("samples.csv", "the samples it is drawn from"),
         ("output.txt", "what the guest printed"),
         ("kernel.log", "the guest's kernel log"))


def _verdict(verdict):
    state, word = ("good", "Yes") if verdict.good else ("bad", "NO")
    by = f'<br><span class="by">judged by: {escape(verdict.detail)}</span>' \
        if verdict.detail else ""
    return f'<li class="{state}"><b>{word}:</b> {escape(verdict.text)}{by}</li>'


def write(path, title, told, pictures):
    """Write the page.

    told: a tour.Tour. pictures: two SVG texts, a wide one and one for phones.
    """
    verdicts = told.verdicts()
    bad = sum(not v.good for v in verdicts)
    wide, narrow = (p.partition("?>")[2] or p for p in pictures)
    scenes = "\n".join(f"<dt>{escape(s.name)}</dt><dd>{escape(s.title)}</dd>"
                       for s in told.scenes[1:-1])
    files = "\n".join(f'<li><a href="{name}">{name}</a>: {what}</li>'
                      for name, what in FILES)
    state = "All verdicts hold." if not bad else \
        f"{bad} of {len(verdicts)} verdicts do not hold."
    path.write_text(f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>{escape(title)}</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>{escape(title)}</h1>
<p>A machine of 256 MiB with a simulated Mali GPU and 1 GiB of swap.
<b>{state}</b></p>
<div class="wide">{wide}</div>
<div class="narrow">{narrow}</div>
<h2>Scenes</h2>
<dl>
{scenes}
</dl>
<h2>Verdicts</h2>
<ul class="verdicts">
{chr(10).join(map(_verdict, verdicts))}
</ul>
<h2>Memory, in numbers</h2>
<pre>{escape(told.table())}</pre>
<h2>Beside this page</h2>
<ul>
{files}
</ul>
</body>
</html>
""", encoding="utf-8")
