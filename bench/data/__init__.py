"""Image file -> pixels -> batch: find, check, split, transform, batch, in that order."""
