"""FMA: its tables and its downloads."""
