"""Records -> table, CSV, Markdown, JSON, figures."""
