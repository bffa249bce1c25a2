"""From the bytes of an audio file, hostile ones included, to one mono clip."""
