"""Where trials run: each in a process of its own, or in this one."""
