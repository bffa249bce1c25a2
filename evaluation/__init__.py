"""Metrics, the ranking, the gate and the verdict."""
