"""Runs through files for any batch system: plan, work, gather."""
