"""Which windows train, validate and test a model."""

from __future__ import annotations

from dataclasses import dataclass, replace

from stlora.errors import InputError


@dataclass(frozen=True)
class Split:
    """Window starts of each part, in order of time; a window starts at its first history step."""

    train: range
    val: range
    test: range

    def train_on_latest(self, share: float) -> Split:
        """The same split with only the latest ``share`` of the training windows, one at least.

        Raises:
            InputError: it is no share.

        Example:
            >>> sample_split(34272).train_on_latest(0.1).train
            range(21577, 23974)
        """
        if not 0 < share <= 1:
            raise InputError(f"train_latest is {share}; expected a share above 0, at most 1")
        return replace(self, train=self.train[-max(1, round(share * len(self.train))) :])

    def shared_targets(self, horizon: int) -> int:
        """How many target steps the last window of a part has in common with the first of the next.

        Example:
            >>> sample_split(34272).shared_targets(12), sample_split(34272, purge=True).shared_targets(12)
            (11, 0)
        """
        return max(0, horizon - 1 - (self.val.start - self.train.stop))


def sample_split(
    num_steps: int,
    history: int = 12,
    horizon: int = 12,
    ratios: tuple[float, float, float] = (0.7, 0.1, 0.2),
    purge: bool = False,
) -> Split:
    """Window first, then divide the windows: the convention of the published tables (DCRNN, Li et al. 2018).

    Of the S = T - history - horizon + 1 windows the first ``round(ratios[0] * S)`` train, the next
    ``round(ratios[1] * S)`` validate and the rest test. Targets of the last windows of one part overlap the
    histories of the first windows of the next, and their last ``horizon - 1`` target steps are targets of these too;
    that is the convention. Purged, training and validation lack their last ``horizon - 1`` windows, so that no target
    step is in two parts; the test windows are the same.

    Args:
        num_steps: T, the length of the series.
        history: past steps of a window.
        horizon: future steps of a window.
        ratios: shares of train, validation and test; they sum to 1.
        purge: leave out windows that share a target step with the part after them.

    Raises:
        InputError: the ratios are no shares, or the series is too short to give every part a window.

    Example:
        >>> split = sample_split(34272)  # METR-LA
        >>> len(split.train), len(split.val), len(split.test)
        (23974, 3425, 6850)
    """
    if len(ratios) != 3 or not all(ratio > 0 for ratio in ratios) or abs(sum(ratios) - 1) > 1e-6:
        raise InputError(f"the split is {ratios}; expected three shares above 0 that sum to 1, such as (0.7, 0.1, 0.2)")
    if history < 1 or horizon < 1:
        raise InputError(f"windows have {history} past and {horizon} future steps; expected at least 1 of each")
    windows = num_steps - history - horizon + 1
    train, val = round(ratios[0] * windows), round(ratios[1] * windows)
    fewer = horizon - 1 if purge else 0
    if min(train - fewer, val - fewer, windows - train - val) < 1:
        purged = f" and to leave out {fewer} of training and of validation" if fewer else ""
        raise InputError(
            f"{num_steps} steps give {max(windows, 0)} windows of {history} + {horizon} steps, too few to split "
            f"{':'.join(f'{ratio:g}' for ratio in ratios)}{purged}; give a longer series or shorter windows"
        )
    return Split(range(train - fewer), range(train, train + val - fewer), range(train + val, windows))
