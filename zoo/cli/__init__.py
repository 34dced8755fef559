"""The `zoo` command: a file a command, and the tables they print."""
