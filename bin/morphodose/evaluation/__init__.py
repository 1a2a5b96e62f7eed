"""Honest evaluation of the network: labels, splits, leakage check, baselines, intervals, verdict."""
