"""How certain an accuracy is, and the difference of two: arrays in, figures out.

Functions take correct predictions as booleans (S, N): S seeds, N images. Each seed has the same
images in the same order. A seed never counts as new images.

```text
variance_components  a mean and its variance, between seeds and between images
interval             the 95 % interval of an accuracy
paired               two models on the same images and seeds; many pairs; unpaired samples
power                the smallest detectable difference
metrics              other metrics
```
"""
