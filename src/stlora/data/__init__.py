"""What a network measured: from a file to windows."""

from stlora.data.load import load_series
from stlora.data.series import SensorSeries
from stlora.data.simulation.network import SimulatedNetwork, simulate

__all__ = ["SensorSeries", "SimulatedNetwork", "load_series", "simulate"]
