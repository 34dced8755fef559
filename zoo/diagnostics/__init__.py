"""`zoo doctor`: whether this machine and its installation are fit for comparisons."""
