"""How sure a measured accuracy is, and a difference of two: arrays in, figures out.

Every function takes what was right as booleans of shape (S, N): S seeds, the same N images in the
same order for each. Seeds are never counted as if they were new images.

```text
interval   one model: how much of its variance is of seeds, how much of images; its bounds
paired     two models on the same images and seeds; many pairs; two samples that are not paired
power      how large a difference would have shown at all
metrics    other figures of one run
```
"""
