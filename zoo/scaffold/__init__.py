"""`zoo new`: a plugin package to begin with."""
