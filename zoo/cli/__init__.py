"""The `zoo` command: one file for each command, and the tables."""
