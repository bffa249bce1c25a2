"""Which clips train, choose and judge, without an artist or a recording in two of them."""
