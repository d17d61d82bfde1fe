"""Prose in Markdown files: the lines that people read as sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator

COLUMNS = 100
FENCE = re.compile(r"\s*(```|~~~)")
ITEM = re.compile(r"\s*(?:[-*+]|\d+[.)])\s+")
# the end of a sentence before another one: not a label such as **Premises.**, an abbreviation or an initial
BREAK = re.compile(r"(?<![ (][A-Z])(?<!\be\.g)(?<!\bi\.e)(?<!\bcf)(?<!\bvs)[.?!]['\")`]*\s+(?=[`*(\"'\[]*[A-Z])")
LINK = re.compile(r"\s*(\S+ ){0,3}\S*(\]\(|https?://)\S+$|!\[.*\]\(.*\)$")  # a long address stays whole


def prose(text: str) -> Iterator[tuple[int, str]]:
    """Numbered lines that are neither code, nor tables, nor headings, nor written by a command between two comments."""
    fenced = generated = False
    before = ""
    in_list = False
    for number, line in enumerate(text.splitlines(), start=1):
        if FENCE.match(line):
            fenced = not fenced
            before = line
            continue
        if line.startswith("<!--"):
            generated = line.strip() != "<!-- end -->" and "-->" in line
            before = line
            continue
        if ITEM.match(line):
            in_list = True
        elif line and not line.startswith(" "):
            in_list = False
        code = line.startswith("    ") and not in_list
        skipped = fenced or generated or code or not line.strip() or line.lstrip().startswith(("|", "#"))
        if not skipped and not (line.startswith("    ") and not before.strip()):
            yield number, line
        before = line


def sentences(line: str) -> list[str]:
    """A line cut where one sentence ends and another begins."""
    parts, start = [], 0
    for found in BREAK.finditer(line):
        parts.append(line[start : found.end()].rstrip())
        start = found.end()
    return [*parts, line[start:]]
