"""Ingestion: FMA audio and `tracks.csv` to TFRecords of raw Examples."""
