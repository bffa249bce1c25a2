"""Networks that were trained before."""
