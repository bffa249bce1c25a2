"""Using a pushed model: songs in, genres out."""
