"""From records to tables, CSV, Markdown, JSON, figures and a page."""
