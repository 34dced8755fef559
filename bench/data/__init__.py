"""Image file -> pixels -> batch: find, check, split, transform, load, in that order."""
