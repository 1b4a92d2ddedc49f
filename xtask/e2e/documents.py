"""What the repository's documents say one can type: fenced blocks, commands, and nothing else of them."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_BLOCK = re.compile(
    r"^(?:<!-- run: (?P<name>\S+) -->\n)?```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
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
        document, text = str(path.relative_to(ROOT)), path.read_text()
        matches = list(_BLOCK.finditer(text))
        for match in matches:
            line = text.count("\n", 0, match.start("language")) + 1
            found.append(Block(document, line, match["language"], match["name"], match["text"]))
        n_marks = len(re.findall(r"(?m)^<!-- run: ", text))
        assert n_marks == sum(1 for match in matches if match["name"]), f"{document}: a mark without a block"
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
