"""Command lines: flags in, exit status out."""
