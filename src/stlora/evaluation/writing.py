"""Tables as Markdown and as plain text."""

from __future__ import annotations

from stlora.evaluation.tables import Table


def to_markdown(table: Table) -> str:
    """The table as Markdown, numbers to the right."""
    rule = ["---" if column < table.words else "---:" for column in range(len(table.header))]
    lines = ["| " + " | ".join(table.header) + " |", "|" + "|".join(rule) + "|"]
    lines += ["| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in table.body]
    return "\n".join(lines) + "\n"


def to_text(table: Table) -> str:
    """The table for a terminal, columns aligned."""
    whole = (table.header, *table.body)
    widths = [max(len(line[column]) for line in whole) for column in range(len(table.header))]
    lines = [
        "  ".join(
            cell.ljust(width) if column < table.words else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in whole
    ]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]]) + "\n"
