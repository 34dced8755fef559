"""A run through files, for any batch system: plan, work, gather."""
