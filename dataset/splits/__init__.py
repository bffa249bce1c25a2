"""Which clips train, which choose and which judge."""
