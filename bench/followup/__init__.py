"""What is asked after the table, and answered by the trained networks of a finished run."""
