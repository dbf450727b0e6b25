# SPDX-License-Identifier: BSD-2-Clause
"""The shell blocks of README and docs/, by the words behind their fences.

    sh        commands, which `make test` runs
    console   commands behind "$ ", and what they print, some lines left out
    python F  a file that the reader saves as F

Behind sh and console: `slow` (only `make test-full` runs it), `board` (needs a board or Vivado, or does not end by itself), `files` (needs what the reader
brings). `fails`: its commands end with an error, as they should.
"""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
SHELLS, MARKS = ("sh", "console"), ("slow", "board", "files", "fails")
_COMMAND = re.compile(r"^(\$ |\./build\.py |make |\.venv/bin/|git |pip |sudo |litex_term )", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """What stands between two fences: `kind` and `words` are those behind the first, on line `line` of `page`."""

    page: Path
    line: int
    kind: str
    words: tuple
    text: str

    @property
    def name(self):
        """Where it is."""
        return f"{self.page.name}:{self.line}"

    @property
    def looks_like_commands(self):
        """Whether a line of it looks like a command of this project."""
        return bool(_COMMAND.search(self.text))

    @property
    def runs(self):
        """Whether a test runs it, in `make test` or in `make test-full`."""
        return self.kind in SHELLS and not {"board", "files"} & set(self.words)

    def commands(self):
        """Return [(command, lines that it prints)]: all lines together of sh, one for each "$ " of console."""
        if self.kind == "sh":
            return [(self.text, [])]
        found = []
        for line in self.text.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            elif line.strip() and line.strip() != "...":
                found[-1][1].append(line)
        return found


def blocks_of(page):
    """Return the Blocks of a page (a path)."""
    found, start = [], None
    lines = page.read_text().splitlines()
    for number, line in enumerate(lines):
        if not line.startswith("```"):
            continue
        if start is None:
            start = number
            continue
        kind, *words = lines[start][3:].split() or [""]
        found.append(Block(page, start + 1, kind, tuple(words), "\n".join(lines[start + 1:number]) + "\n"))
        start = None
    return found


def _words(line):
    return re.sub(r"[│┃|]", " ", re.sub(r"\d[\d.,]*", "#", line)).split()


def is_printed(line, output):
    """Whether a line of `output` (text) has the words of `line` in their order; numbers may be others, and there may be more words."""
    for printed in output.splitlines():
        words = iter(_words(printed))
        if all(word in words for word in _words(line)):
            return True
    return False
