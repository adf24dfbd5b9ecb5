"""The picture of ``stlora data check``, for which matplotlib is needed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from stlora.data.series import SensorSeries
from stlora.errors import InputError


def picture(file: str | None) -> Callable[[SensorSeries], None]:
    """What draws a series into a file; one that cannot be drawn is refused here, before the work is done.

    Args:
        file: a .png or .svg file; None for no picture.

    Raises:
        InputError: the ending is another, the folder is missing, or matplotlib is.
    """
    if file is None:
        return lambda series: None
    path = Path(file)
    if path.suffix not in (".png", ".svg") or not path.parent.is_dir():
        raise InputError(f"the picture is {file}; name a .png or .svg file in a folder that is there")
    try:
        from stlora.report.network_picture import network_figure
        from stlora.report.style import save_figure
    except ImportError:
        raise InputError('a picture needs matplotlib; run pip install "stlora[report]"') from None
    return lambda series: save_figure(network_figure(series), path)
