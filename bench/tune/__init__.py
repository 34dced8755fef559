"""Search for a recipe on training images alone; each configuration is an ordinary run."""
