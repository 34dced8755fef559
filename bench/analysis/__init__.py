"""Analysis: from records to statistics, verdicts and comparisons."""
