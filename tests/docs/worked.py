"""Pages with worked examples: each block of numbers is computed, and written into its place."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"
BLOCK = re.compile(
    r"(<!-- example: (?P<name>[a-z-]+) -->\n```text\n)(?P<body>.*?)(\n```)", re.DOTALL
)
FENCE = re.compile(r"^```text$", re.MULTILINE)

Examples = Mapping[str, Callable[[], str]]


def table(rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their widest cell."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)


def shown(page: Path) -> dict[str, str]:
    """What stands on the page now, by the name of the example."""
    text = page.read_text(encoding="utf-8")
    return {block["name"]: block["body"] for block in BLOCK.finditer(text)}


def blocks(page: Path) -> int:
    """How many blocks of numbers there are, with an example or without."""
    return len(FENCE.findall(page.read_text(encoding="utf-8")))


def write(page: Path, examples: Examples) -> None:
    """Put every example onto the page as it is computed now."""
    for name, compute in examples.items():
        put(page, name, compute())


def put(page: Path, name: str, numbers: str) -> None:
    """Put one example into its place."""

    def placed(block: re.Match[str]) -> str:
        return f"{block[1]}{numbers}{block[4]}" if block["name"] == name else block[0]

    page.write_text(BLOCK.sub(placed, page.read_text(encoding="utf-8")), encoding="utf-8")
