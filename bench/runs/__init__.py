"""A request becomes a run folder, and is read again."""
