"""Choosing the best of the trained candidates, on the eval split."""
