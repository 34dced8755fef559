"""One specification in, one record out: recipes, the loop, checkpoints, weights."""
