"""From a request to a run folder, and from a run folder to results."""
