"""How certain an accuracy is, and the difference of two: arrays in, figures out.

Functions take correct predictions as booleans (S, N): S seeds, N images. Each seed has the same
images in the same order. A seed never counts as new images.

```text
variance_components  the mean of values, and its variance between seeds and between images
interval             one model: the 95 % interval of its accuracy
paired               two models on the same images and seeds; many pairs; two unpaired samples
power                the smallest difference that a verdict can show
metrics              other figures of one run
```
"""
