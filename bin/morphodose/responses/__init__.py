"""Dose responses and time courses on well values: a replicate is a well, never a cell."""
