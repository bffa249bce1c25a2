"""FMA's four tables, typed."""
