# SPDX-License-Identifier: BSD-2-Clause
"""Small sets of pictures in CIFAR-10's own forms, written byte by byte as its publisher's tools wrote them."""

import io
import tarfile

import numpy as np
from PIL import Image

from nets.cifar10_formats import CLASSES


def pictures(count, seed=0):
    """Return (images uint8 [count, 32, 32, 3], labels uint8 [count]) in which each class has its own colour: easy to learn."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count, dtype=np.uint8) % 10
    colours = np.random.default_rng(99).integers(30, 226, (10, 1, 1, 3))
    return np.clip(colours[labels] + rng.integers(-30, 31, (count, 32, 32, 3)), 0, 255).astype(np.uint8), labels


def _planes(images):
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2).reshape(len(images), -1))


def _string(text):
    """A byte string as Python 2 pickles it: SHORT_BINSTRING or BINSTRING."""
    return b"U" + bytes([len(text)]) + text if len(text) < 256 else b"T" + len(text).to_bytes(4, "little") + text


def batch(images, labels):
    """Return a pickled batch as Python 2 and numpy 1 wrote it, protocol 2: {"data": uint8 [N, 3072], "labels": a list}."""
    planes = _planes(images)
    rows = b"J" + len(planes).to_bytes(4, "little")
    data_type = (b"cnumpy\ndtype\n" + _string(b"u1") + b"K\x00K\x01\x87R(K\x03" + _string(b"|")
                 + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb")
    array = (b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85" + _string(b"b") + b"\x87R(K\x01" + rows + b"M\x00\x0c\x86"
             + data_type + b"\x89" + _string(planes.tobytes()) + b"tb")
    numbers = b"](" + b"".join(b"K" + bytes([label]) for label in labels) + b"e"
    return b"\x80\x02}(" + _string(b"batch_label") + _string(b"one") + _string(b"data") + array + _string(b"labels") + numbers + b"u."


def binary(images, labels):
    """Return a binary batch: a byte of label, then 3072 of pixels, for each image."""
    return np.concatenate([labels[:, np.newaxis], _planes(images)], axis=1).tobytes()


def png(image):
    """Return an image as a PNG file."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


def files(form, images, labels, part):
    """Return {name: content} of a set in one form: "python", "binary" or "images"."""
    if form == "images":
        return {f"{part}/{CLASSES[label]}/{number:04}.png": png(image) for number, (image, label) in enumerate(zip(images, labels, strict=True))}
    folder, write, end = {"python": ("cifar-10-batches-py", batch, ""), "binary": ("cifar-10-batches-bin", binary, ".bin")}[form]
    if part == "test":
        return {f"{folder}/test_batch{end}": write(images, labels)}
    half = len(labels) // 2
    return {f"{folder}/data_batch_{number}{end}": write(images[some], labels[some]) for number, some in ((1, slice(half)), (2, slice(half, None)))}


def write_folder(folder, contents):
    """Write {name: content} below `folder`."""
    for name, content in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def write_archive(path, contents):
    """Write {name: content} as a tar archive, compressed as its name says."""
    with tarfile.open(path, f"w:{path.suffix.removeprefix('.')}") as archive:
        for name, content in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
