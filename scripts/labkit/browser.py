# SPDX-License-Identifier: GPL-2.0
"""Look at a page in a headless browser: errors, overflow, labels on labels."""

import html
import json
import re
import shutil
import subprocess

from . import paths
from .ui import Fail

WIDTHS = (1200, 400)
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_TIME_LIMIT = 300

# Tells, of a page in a frame of a given width: what goes beyond it, which texts of
# pictures overlap, and how large these come out.
_LOOK = """
const frame = document.querySelector('iframe');
const errors = [];
frame.addEventListener('load', () => {
  const win = frame.contentWindow, doc = frame.contentDocument;
  const wide = doc.documentElement.scrollWidth;
  const seen = [...doc.querySelectorAll('svg text')].map(
    t => [t.textContent, t.getBoundingClientRect()]).filter(
    ([, r]) => r.width > 0);
  const overlaps = [], outside = [];
  seen.forEach(([a, r], n) => {
    if (r.left < 0 || r.right > win.innerWidth) outside.push(a);
    seen.slice(n + 1).forEach(([b, s]) => {
      if (r.left < s.right && s.left < r.right &&
          r.top + 2 < s.bottom && s.top + 2 < r.bottom)
        overlaps.push(a + ' / ' + b);
    });
  });
  const sizes = seen.map(([, r]) => r.height);
  document.title = 'done';
  document.body.textContent = '@@' + JSON.stringify({
    width: win.innerWidth, scroll: wide, texts: seen.length,
    smallest: Math.round(Math.min(...sizes)), overlaps, outside,
    verdicts: doc.querySelectorAll('.verdicts li').length }) + '@@';
});
frame.srcdoc = SOURCE;
"""


def find():
    """A browser, or None."""
    return next(filter(None, map(shutil.which, _NAMES)), None)


def look(browser, page, width):
    """What a page is like at a width, as a dictionary."""
    source = json.dumps(page.read_text(encoding="utf-8")).replace("<", "\\u003c")
    with paths.scratch(paths.BUILD, ".browser-") as scratch:
        frame = scratch / "frame.html"
        frame.write_text(
            "<!DOCTYPE html><meta charset=utf-8><body style='margin:0'>"
            f"<iframe style='border:0' width={width} height=3000></iframe>"
            f"<script>{_LOOK.replace('SOURCE', source)}</script>",
            encoding="utf-8")
        try:
            done = subprocess.run(
                [browser, "--headless", "--no-sandbox", "--disable-gpu",
                 f"--user-data-dir={scratch}", "--enable-logging=stderr",
                 "--virtual-time-budget=20000", f"--window-size={width + 50},3000",
                 "--dump-dom", frame.as_uri()],
                capture_output=True, text=True, errors="replace", check=False,
                stdin=subprocess.DEVNULL, timeout=_TIME_LIMIT)
        except subprocess.TimeoutExpired as late:
            raise Fail(f"{browser} did not answer in {_TIME_LIMIT} s") from late
    found = re.search(r"@@(\{.*\})@@", done.stdout)
    if not found:
        raise Fail(f"{browser} could not show {page}: "
                   f"{done.stderr.strip()[-300:]}")
    seen = json.loads(html.unescape(found.group(1)))
    seen["errors"] = re.findall(r"CONSOLE.*", done.stderr)
    return seen


def complaints(seen, width):
    """What is wrong with what look() has seen, as sentences."""
    found = [f"the browser says: {error}" for error in seen["errors"]]
    if seen["width"] != width:
        found.append(f"it was looked at at {seen['width']} pixels")
    if seen["scroll"] > width:
        found.append(f"it is {seen['scroll']} pixels wide at {width}")
    found += [f"labels overlap: {pair}" for pair in seen["overlaps"]]
    found += [f"a label is cut: {text}" for text in seen["outside"]]
    if not seen["texts"] or not seen["verdicts"]:
        found.append("there is no picture, or no verdict, on it")
    elif seen["smallest"] < 10:
        found.append(f"a label is {seen['smallest']} pixels high")
    return found
