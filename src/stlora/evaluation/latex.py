"""Tables for a paper: LaTeX floats with booktabs that fit the width of the text and the height of a page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from stlora.evaluation.tables import Table

PACKAGES = r"\usepackage{booktabs,graphicx}"
_LINES = 36  # in the normal size, below a caption, on a page of article
_WIDTH = 470.0  # points: the widest text with which such a page is counted on
_CHARACTER, _BETWEEN = 3.5, 6.0  # points: less than a character needs, and what lies between two columns
_LATEX = {
    "%": r"\%",
    "_": r"\_",
    "&": r"\&",
    "#": r"\#",
    "$": r"\$",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "\\": r"\textbackslash{}",
    "±": r"$\pm$",
    "Δ": r"$\Delta$",
    "ν": r"$\nu$",
    "−": "$-$",
    "–": "--",
    "<": "$<$",
    ">": "$>$",
}

Line = Sequence[str]  # cells of text; the last of too few goes over all columns that are left


@dataclass(frozen=True)
class Block:
    """Lines between two rules.

    Attributes:
        name: said again where the block goes on in the next float.
        parts: of lines that stay together.
    """

    name: str
    parts: Sequence[Sequence[Line]]


@dataclass(frozen=True)
class Layout:
    r"""What is the same in every float of a table.

    Attributes:
        label: for ``\ref``, behind ``tab:``.
        caption: in LaTeX.
        columns: of the ``tabular``, a letter each.
        head: lines of LaTeX above the first rule.
    """

    label: str
    caption: str
    columns: str
    head: Sequence[str]


def escape(text: str) -> str:
    r"""Text with every character that LaTeX would take for its own.

    Example:
        >>> print(escape("my_lstm 50 %"))
        my\_lstm 50 \%
    """
    return "".join(_LATEX.get(character, character) for character in text)


def cell(text: str) -> str:
    r"""A cell: a spread below its mean's line, minus signs as such, two spaces in front as an indent.

    Example:
        >>> print(cell("2.962 ± 0.010"), cell("-16.3 to -11.5"), cell("  my_lstm"))
        $2.962_{\pm 0.010}$ $-$16.3 to $-$11.5 \quad my\_lstm
    """
    spread = re.fullmatch(r"([+-]?[\d.]+) ± ([\d.]+)", text)
    if spread:
        return rf"${spread[1]}_{{\pm {spread[2]}}}$"
    inner = text.lstrip(" ")
    minus = re.sub(r"(?<!\w)-(?=\d)", "−", inner)
    return r"\quad " * ((len(text) - len(inner)) // 2) + escape(minus)


def to_latex(table: Table, label: str, caption: str) -> str:
    r"""Floats of a table whose first column is the name of a group of lines: it stands above them, once.

    Args:
        table: its first line of a group is the first with that name.
        label: for ``\ref``, behind ``tab:``.
        caption: in LaTeX.
    """
    groups: dict[str, list[list[str]]] = {}
    for name, *cells in table.body:
        groups.setdefault(name, []).append(["  " + cells[0], *cells[1:]])
    blocks = [Block(name, [[[name], lines[0]], *([line] for line in lines[1:])]) for name, lines in groups.items()]
    columns = "l" * (table.words - 1) + "r" * (len(table.header) - table.words)
    head = [" & ".join(map(cell, table.header[1:])) + r" \\"]
    return floats(Layout(label, caption, columns, head), blocks)


def floats(layout: Layout, blocks: Sequence[Block]) -> str:
    """One float after another, none too wide or too high; a block is cut only where it is too long for a page.

    A float is as wide as its columns need, at most as the text, and smaller then.
    """
    lines = [line for block in blocks for part in block.parts for line in part if len(line) == len(layout.columns)]
    width = sum(_CHARACTER * max(map(len, column)) + _BETWEEN for column in zip(*lines, strict=True))
    room = int(_LINES * max(1.0, width / _WIDTH)) - len(layout.head)
    pages = list(_pages(blocks, room)) or [[]]
    return "\n".join(_float(layout, page, first=index == 0) for index, page in enumerate(pages))


def _pages(blocks: Sequence[Block], room: int) -> Iterator[list[Block]]:
    page: list[Block] = []
    used = 0
    for block in (piece for whole in blocks for piece in _pieces(whole, room)):
        height = 1 + _height(block)  # and a rule
        if page and used + height > room:
            yield page
            page, used = [], 0
        page.append(block)
        used += height
    if page:
        yield page


def _pieces(block: Block, room: int) -> Iterator[Block]:
    """The block, or as many as are needed for each to have room on a page."""
    parts: list[Sequence[Line]] = []
    for part in block.parts:
        if parts and 1 + _height(Block(block.name, [*parts, part])) > room:
            yield Block(block.name, parts)
            parts = [[[f"{block.name} (continued)"]]]
        parts.append(part)
    yield Block(block.name, parts)


def _height(block: Block) -> int:
    return sum(len(part) for part in block.parts)


def _float(layout: Layout, blocks: Sequence[Block], first: bool) -> str:
    caption = [rf"\caption{{{layout.caption}}}", rf"\label{{tab:{layout.label}}}"]
    body = []
    for block in blocks:
        body += [r"\midrule", *(_line(line, len(layout.columns)) for part in block.parts for line in part)]
    lines = [
        r"\begin{table*}[tbp]",
        r"\centering",
        *(caption if first else [r"\addtocounter{table}{-1}", r"\caption{(continued)}"]),
        r"\vspace{4pt}",
        r"\setlength{\tabcolsep}{3pt}",
        r"\resizebox{\ifdim\width>\textwidth\textwidth\else\width\fi}{!}{%",
        rf"\begin{{tabular}}{{{layout.columns}}}",
        r"\toprule",
        *layout.head,
        *(body or [r"\midrule"]),
        r"\bottomrule",
        r"\end{tabular}}",
        r"\end{table*}",
    ]
    return "\n".join(lines) + "\n"


def _line(line: Line, columns: int) -> str:
    *cells, last = map(cell, line)
    left = columns - len(cells)
    if left > 1:
        last = rf"\multicolumn{{{left}}}{{{'c' if cells else 'l'}}}{{{last}}}"
    return " & ".join([*cells, last]) + r" \\"
