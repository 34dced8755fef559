"""Pictures of heat maps: what a network was shown, and a layer of colours to lay over it."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from bench.data.transform import Pixels, evaluation_pixels
from bench.followup.deletion import spread_out

_SIDE = 160  # pixels of a picture, as of the other thumbnails on the page
_LAYER_SIDE = 40  # the browser fills in the rest
_LEVELS = 64
_OPAQUE = 0.75  # at the hottest place
_ENDS = np.array([(255, 221, 87), (214, 40, 40)], dtype=np.float64)  # yellow to red: RGB


def shown_picture(picture: Pixels, shape: tuple[int, int, int]) -> bytes:
    """Return the part of `picture` (H, W, 3) that a network of input `shape` sees, as JPEG."""
    written = BytesIO()
    part = Image.fromarray(evaluation_pixels(picture, (3, *_size(shape, _SIDE))))
    part.save(written, "JPEG", quality=72, optimize=True)
    return written.getvalue()


def heat_layer(values: NDArray[np.float32], shape: tuple[int, int, int]) -> bytes:
    """Return a map (h, w) as a small PNG: red where it is highest, clear where it is 0 or below."""
    heat = spread_out(torch.from_numpy(values)[None], *_size(shape, _LAYER_SIDE))[0].clamp(min=0)
    share = (heat / heat.max().clamp(min=torch.finfo(heat.dtype).tiny)).numpy()
    layer = Image.fromarray(np.round(share * (_LEVELS - 1)).astype(np.uint8), mode="P")
    steps = np.linspace(0, 1, _LEVELS)[:, None]
    layer.putpalette(np.round(_ENDS[0] + steps * (_ENDS[1] - _ENDS[0])).astype(np.uint8).tobytes())
    alpha = np.round(255 * _OPAQUE * steps[:, 0]).astype(np.uint8)
    written = BytesIO()
    layer.save(written, "PNG", transparency=alpha.tobytes(), optimize=True)
    return written.getvalue()


def _size(shape: tuple[int, int, int], most: int) -> tuple[int, int]:
    """Return height and width in the proportions of an input, with sides of at most `most`."""
    longer = max(shape[1:])
    return max(1, round(most * shape[1] / longer)), max(1, round(most * shape[2] / longer))
