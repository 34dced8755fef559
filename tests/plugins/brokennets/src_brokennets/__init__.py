"""A plugin that is broken in each of the known ways."""
