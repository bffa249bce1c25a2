"""Reading what an archive has: FMA's tables, a table of one's own, or a folder per genre."""
