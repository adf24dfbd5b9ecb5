"""What the measurements share: the machine, steps that take turns, a simulated network, published parameters."""
