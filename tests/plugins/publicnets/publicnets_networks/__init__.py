"""Networks of a package that is installed."""
