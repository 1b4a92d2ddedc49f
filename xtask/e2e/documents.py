"""What the repository's documents say one can type: fenced blocks, commands, and nothing else of them."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_MARK = re.compile(r"<!-- run: (\S+) -->")
_CODE_SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")


@dataclass(frozen=True)
class Block:
    """A fenced block, and the name it is run under, if any."""

    document: str
    line: int
    language: str
    name: str | None
    text: str

    def __str__(self) -> str:
        return f"{self.document}:{self.line}"


def paths() -> list[Path]:
    """Every document that git knows or would take."""
    listed = subprocess.check_output(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "*.md"], cwd=ROOT, text=True
    )
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).exists()]


def blocks() -> list[Block]:
    """The fenced blocks of all documents. A mark belongs to the block on the line below it."""
    found = []
    for path in paths():
        document, name, opened, language, lines = str(path.relative_to(ROOT)), None, 0, "", []
        for number, line in enumerate(path.read_text().splitlines(), start=1):
            if opened:
                if line == "```":
                    found.append(Block(document, opened, language, name, "\n".join(lines) + "\n"))
                    opened, name, lines = 0, None, []
                else:
                    lines.append(line)
            elif line.startswith("```"):
                opened, language = number, line.removeprefix("```")
            else:
                mark = _MARK.fullmatch(line)
                assert name is None, f"{document}:{number - 1}: a mark without a block below it"
                name = mark and mark[1]
    return found


def commands() -> list[tuple[str, list[str]]]:
    """Each command a reader may type, as `(where, words)`: lines of `sh` blocks, and code in sentences."""
    found = []
    for path in paths():
        document, prose = str(path.relative_to(ROOT)), re.sub(r"(?ms)^```.*?^```$", "", path.read_text())
        found += [(document, span.split()) for span in _CODE_SPAN.findall(prose)]
    for block in blocks():
        if block.language == "sh":
            found += [(str(block), line.split()) for line in block.text.splitlines()]
    return found
