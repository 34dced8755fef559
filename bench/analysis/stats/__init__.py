"""How certain an accuracy is, and the difference of two: arrays in, figures out.

Functions take correct predictions as booleans (S, N): S seeds, N images. Each seed has the same
images in the same order. A seed never counts as new images. Where images belong together,
`clusters` (N,) is the number of each one's group: see `bench.analysis.stats.clusters`.
"""
