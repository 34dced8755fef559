"""Training: one specification in, one record out."""
