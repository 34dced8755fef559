"""`zoo doctor`: is this machine, with what is installed on it, fit for comparisons."""
