"""Time stamps, time axes and the clock that networks read."""
