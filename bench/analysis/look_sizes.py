"""The numbers of seeds at which a run that adds seeds until it is clear looks; imports nothing."""

LOOKS = (3, 6, 12)  # seeds of a model at each look
