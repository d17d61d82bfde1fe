"""Prose in Markdown files: the lines that people read as sentences."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

COLUMNS = 100
FENCE = re.compile(r"\s*(```|~~~)")
ITEM = re.compile(r"\s*(?:[-*+]|\d+[.)])\s+")
# the end of a sentence before another one: not a label such as **Premises.**, an abbreviation or an initial
BREAK = re.compile(r"(?<![ (][A-Z])(?<!^[A-Z])(?<!\be\.g)(?<!\bi\.e)(?<!\bcf)(?<!\bvs)[.?!]['\")`]*\s+(?=`|[*(\"'\[]*[A-Z])")
END = re.compile(r"[.?!]['\")`*]*$")
MARK = re.compile(r"[-+*]$|\d+[.)]$|#+$|>|\||=+$")  # what a line of prose must not begin with: it would be a list, a heading, a quotation
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
    """A line cut where one sentence ends and another begins; the mark of a list item goes with the first."""
    mark = ITEM.match(line)
    start = mark.end() if mark else 0
    cuts = [found.end() for found in BREAK.finditer(line, start)]
    return [line[begin:end].rstrip() for begin, end in zip([0, *cuts], [*cuts, len(line)], strict=True)]


def faults(text: str) -> Iterator[tuple[int, str]]:
    """Numbered lines with more than `COLUMNS` columns, or more than one sentence."""
    for number, line in prose(text):
        if _is_faulty(line):
            yield number, line


def _is_faulty(line: str) -> bool:
    return (len(line) > COLUMNS and not LINK.match(line)) or len(sentences(line)) > 1


def reflowed(text: str) -> str:
    """The same document with its faulty paragraphs wrapped anew: what a reader sees of it is unchanged."""
    lines, numbers = text.split("\n"), {number for number, _ in prose(text)}
    result: list[str] = []
    start = 0
    while start < len(lines):
        if start + 1 not in numbers:
            result.append(lines[start])
            start += 1
            continue
        stop = start + 1
        while stop < len(lines) and stop + 1 in numbers and not ITEM.match(lines[stop]) and _indent(lines[stop]) == _rest(lines[start]):
            stop += 1
        block = lines[start:stop]
        kept = any(line.endswith("  ") for line in block) or not any(map(_is_faulty, block))  # two spaces: a break that is meant
        result += block if kept else _wrapped(block)
        start = stop
    return "\n".join(result)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _rest(line: str) -> int:
    """The indent of the lines that go on with a paragraph."""
    mark = ITEM.match(line)
    return len(mark[0]) if mark else _indent(line)


def _wrapped(block: list[str]) -> list[str]:
    rest = " " * _rest(block[0])
    first = block[0][: len(rest)]
    lines: list[str] = []
    for sentence in _sentences([block[0][len(first) :].strip(), *(line.strip() for line in block[1:])]):
        line: list[str] = []
        for word in sentence.split():
            indent = rest if lines else first
            if line and len(indent) + len(" ".join([*line, word])) > COLUMNS:
                carried = [line.pop()] if MARK.match(word) and len(line) > 1 else []
                lines.append(indent + " ".join(line))
                line = carried
            line.append(word)
        lines.append((rest if lines else first) + " ".join(line))
    return lines


def _sentences(lines: list[str]) -> Iterator[str]:
    """The sentences of a paragraph: a line that ends one stays the end of one."""
    begun: list[str] = []
    for line in lines:
        begun.append(line)
        if END.search(line):
            yield from sentences(" ".join(begun))
            begun = []
    if begun:
        yield from sentences(" ".join(begun))


def main() -> None:
    """`python -m tests.markdown FILE...`: wrap the faulty paragraphs of these files anew."""
    for name in sys.argv[1:]:
        path = Path(name)
        before = path.read_text(encoding="utf-8")
        after = reflowed(before)
        if after != before:
            path.write_text(after, encoding="utf-8")
            print(f"rewrote {name}")


if __name__ == "__main__":
    main()
