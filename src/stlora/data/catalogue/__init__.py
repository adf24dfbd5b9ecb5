"""The public data sets that are known by name, and how to get them."""
