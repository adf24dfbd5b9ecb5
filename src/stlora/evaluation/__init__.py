"""How well a forecast did: exact masked errors, comparisons and tables."""
