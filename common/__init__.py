"""The ground: errors, files, JSON, text on a terminal. Imports nothing of the other rooms."""
