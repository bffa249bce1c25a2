"""What came of a run, as one page."""
