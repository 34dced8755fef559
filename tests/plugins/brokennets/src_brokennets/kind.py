def NET():
    """Not an architecture."""
