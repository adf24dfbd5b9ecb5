"""Lines of progress, on standard error."""

from __future__ import annotations

import sys
from contextlib import suppress

is_command = False  # whether this process runs a command and nothing else


def say(text: str) -> None:
    """Print a line at once; work goes on where nobody reads it any more, as behind a pipe that was closed."""
    with suppress(OSError, ValueError):
        print(text, file=sys.stderr, flush=True)
