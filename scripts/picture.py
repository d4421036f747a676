#!/usr/bin/env python3
"""Writes a picture of `redsight top` as it stands in a terminal: docs/top.svg.

    make demo ARGS=--stay &                      something to look at
    scripts/picture.py [--connect ADDR] [--keys KEYS] [--out FILE] BINARY

Needs pyte. `--keys` are pressed before, for another screen.
"""

import argparse
import pathlib
import re
import sys
import time
import xml.sax.saxutils

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "live")]

import pyte  # noqa: E402
from terminal import Terminal  # noqa: E402

WIDTH, HEIGHT = 8.4, 18
GROUND, TEXT = "#16181d", "#d5d8de"
# Pictures that the trend is drawn from.
SETTLE_S = 20
FONT = "ui-monospace, SFMono-Regular, Menlo, 'DejaVu Sans Mono', monospace"


def colour(name, default):
    """A colour of pyte, six hexadecimal digits or a word, for SVG."""
    return default if name == "default" else f"#{name}" if len(name) == 6 else name


def runs(line, columns):
    """(first column, text, its style) of each stretch of one style."""
    start = 0
    while start < columns:
        style = line[start]._replace(data="")
        end = start
        while end < columns and line[end]._replace(data="") == style:
            end += 1
        yield start, "".join(line[at].data for at in range(start, end)), style
        start = end


def svg(screen):
    """The screen as a picture."""
    width, height = screen.columns * WIDTH + 16, screen.lines * HEIGHT + 16
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'font-family="{FONT}" font-size="14"><title>redsight top</title>',
        f'<rect width="100%" height="100%" rx="6" fill="{GROUND}"/>',
    ]
    for number in range(screen.lines):
        top = 8 + number * HEIGHT
        for column, text, style in runs(screen.buffer[number], screen.columns):
            front, back = colour(style.fg, TEXT), colour(style.bg, GROUND)
            if style.reverse:
                front, back = back, front
            left = 8 + column * WIDTH
            if back != GROUND:
                parts.append(f'<rect x="{left:.1f}" y="{top}" width="{len(text) * WIDTH:.1f}" '
                             f'height="{HEIGHT}" fill="{back}"/>')
            weight = ' font-weight="bold"' if style.bold else ""
            # A word each: whatever the font, what begins below each other stays so.
            for word in re.finditer(r"\S+", text):
                x = left + word.start() * WIDTH
                shown = xml.sax.saxutils.escape(word[0])
                parts.append(f'<text x="{x:.1f}" y="{top + 13}" fill="{front}"{weight} '
                             f'textLength="{len(word[0]) * WIDTH:.1f}">{shown}</text>')
    return "\n".join([*parts, "</svg>", ""])


def main():
    """Looks for a while, presses the keys, writes the file."""
    parser = argparse.ArgumentParser(description="a picture of the terminal view")
    parser.add_argument("--connect", default="127.0.0.1:9464")
    parser.add_argument("--keys", nargs="*", default=[])
    parser.add_argument("--size", nargs=2, type=int, default=(112, 18))
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "docs" / "top.svg")
    parser.add_argument("binary", type=pathlib.Path)
    options = parser.parse_args()
    command = [options.binary.resolve(), "top", "--connect", options.connect]
    terminal = Terminal(pyte, command, *options.size)
    try:
        terminal.wait_for("services")
        for key in options.keys:
            terminal.press(key)
            time.sleep(0.5)
        deadline = time.monotonic() + SETTLE_S
        while time.monotonic() < deadline:
            terminal.text()
        options.out.write_text(svg(terminal.screen))
    finally:
        terminal.close()


if __name__ == "__main__":
    main()
