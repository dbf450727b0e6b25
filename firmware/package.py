# SPDX-License-Identifier: BSD-2-Clause
"""What a board finds in its flash beside the firmware: a model, images for it, and the names of its classes. So it classifies without a PC.

A header of words of 32 bits, little endian, then what its offsets say: the model binary; the images, each a whole input tensor; for each class where its number
lies in the output tensor; the names of the classes, LABEL_BYTES each, filled up with zeros.
"""

import struct
import zlib

import numpy as np

from accel.errors import UserError
from compiler.layout import align

MAGIC = 0x4B504E53  # "SNPK"
VERSION = 1
LABEL_BYTES = 24

# Word -> meaning. Offsets count from the header's first byte.
HEADER = (
    ("magic", "PACKAGE_MAGIC"),
    ("version", "PACKAGE_VERSION"),
    ("bytes", "size of all that follows the header"),
    ("crc", "CRC-32 of all that follows the header"),
    ("model", "offset of the model binary"),
    ("images", "how many images there are"),
    ("image_table", "offset of the first one"),
    ("image_pitch", "bytes from one to the next"),
    ("classes", "how many classes the model has"),
    ("class_table", "offset of the table of words that say where in the output tensor each class's number lies"),
    ("number_bytes", "size of such a number: 1, or 4 of sums"),
    ("labels", "offset of the classes' names, 0 where there are none"),
)
_HEADER_BYTES = 4 * len(HEADER)


def build_package(network, binary, images):
    """Return the bytes of the package of a ModelBinary of `network`, of one image a run, and int8 `images` [N, H, W, C].

    Raises UserError where the network's output is no list of classes.
    """
    model = binary.model
    source, target = model.placements[model.lowered.input], model.placements[model.lowered.output]
    height, width, classes = target.shape
    places = [target.place(number) for number in range(classes)]
    if (height, width) != (1, 1) or min(places) < 0:
        raise UserError(f"model {network.name!r} gives {height} x {width} x {classes} numbers, not one for each class: without a PC the board can only "
                        "say classes")
    if model.batch != 1:
        raise UserError("a board without a PC runs one image at a time: leave out --batch")
    size = np.dtype(target.dtype).itemsize
    parts = {"model": binary.data, "image_table": b"".join(image.tobytes().ljust(align(source.bytes), b"\0") for image in images),
             "class_table": struct.pack(f"<{classes}I", *(size * place for place in places)),
             "labels": b"".join(str(label).encode()[:LABEL_BYTES - 1].ljust(LABEL_BYTES, b"\0") for label in network.labels)}
    offsets, body = {}, b"".ljust(align(_HEADER_BYTES) - _HEADER_BYTES, b"\0")
    for name, data in parts.items():
        offsets[name] = _HEADER_BYTES + len(body) if data else 0
        body += data.ljust(align(len(data)), b"\0")
    words = {"magic": MAGIC, "version": VERSION, "bytes": len(body), "crc": zlib.crc32(body), "images": len(images), "image_pitch": align(source.bytes),
             "classes": classes, "number_bytes": size, **offsets}
    return struct.pack(f"<{len(HEADER)}I", *(words[name] for name, _ in HEADER)) + body
