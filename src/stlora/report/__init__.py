"""Figures and the self-contained page that show what an adapter changed."""
