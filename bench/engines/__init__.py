"""Engines run trials: each in its own process, or all in this one."""
