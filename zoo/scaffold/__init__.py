"""`zoo new`: a new plugin package."""
