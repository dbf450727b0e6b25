# SPDX-License-Identifier: BSD-2-Clause
"""What a network expects of an image: size, order of the channels, and how 0 to 255 become the numbers that it was trained on."""

from dataclasses import dataclass

import numpy as np

from accel.errors import UserError


@dataclass(frozen=True)
class Preprocessing:
    """x -> (x * scale - mean) / std for each channel, of the centre of `size` (height, width) or the whole image where size is None.

    bgr: blue comes first; `mean` and `std`, one a channel or one for all, are in the order that the network sees. standardise: each image's own
    mean and deviation over all its numbers are taken out after that.
    """

    scale: float = 1.0
    mean: tuple = (0.0,)
    std: tuple = (1.0,)
    bgr: bool = False
    size: tuple | None = None
    standardise: bool = False

    def apply(self, images):
        """Return float32 [N, H, W, C] of uint8 `images` [N, H', W', C], RGB or grey. Raises UserError where they are smaller than `size`."""
        images = self._centre(np.asarray(images))
        values = ((images[..., ::-1] if self.bgr else images) * self.scale - np.array(self.mean)) / np.array(self.std)
        if self.standardise:
            # A picture of one colour has no deviation: it becomes all 0.
            deviation = values.std(axis=(1, 2, 3), keepdims=True)
            values = (values - values.mean(axis=(1, 2, 3), keepdims=True)) / np.where(deviation > 0, deviation, 1.0)
        return values.astype(np.float32)

    def _centre(self, images):
        if self.size is None:
            return images
        (height, width), (rows, columns) = images.shape[1:3], self.size
        if height < rows or width < columns:
            raise UserError(f"the network takes images of {rows} x {columns}, but these have {height} x {width}")
        top, left = (height - rows) // 2, (width - columns) // 2
        return images[:, top:top + rows, left:left + columns]
