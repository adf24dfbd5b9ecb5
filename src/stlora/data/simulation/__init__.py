"""A simulated road network whose node profiles are known."""
