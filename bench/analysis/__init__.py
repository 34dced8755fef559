"""Records become conclusions: predictions, statistics, verdicts, comparisons."""
