from __future__ import annotations

import numpy as np
import torch


def test_repeats_the_last_observed_value_of_the_window(case):
    values = case.series.values
    starts = range(len(case.windows))
    got = case.forecast(case.fit("naive"), torch.tensor(list(starts)))
    for start in starts:
        for node in range(3):
            window = values[start : start + 4, node]
            seen = window[~np.isnan(window)]
            expected = seen[-1] if len(seen) else case.scaler.mean
            np.testing.assert_allclose(got[start, :, node], expected, rtol=1e-5)
