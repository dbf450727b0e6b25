# SPDX-License-Identifier: BSD-2-Clause
"""Reads CIFAR-10 as it comes: pickled batches, binary batches, folders of images, archives of any of these, and .npz files."""

import hashlib
import io
import pickle
import re
import tarfile
from pathlib import Path

import numpy as np

from accel.errors import UserError
from nets.unreadable import TAR_SUFFIXES, UNREADABLE, UNREADABLE_TAR, reason

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
PARTS = ("train", "test")
SIZE = 32
_PIXELS = 3 * SIZE * SIZE

# MD5 of the two archives, as their publisher's page gives them: https://www.cs.toronto.edu/~kriz/cifar.html
PUBLISHED = {"cifar-10-python.tar.gz": "c58f30108f718f92721af3b95e74349a", "cifar-10-binary.tar.gz": "c32a1d4ab5d03f1284b67883e8d87530"}

_BATCH = {"train": re.compile(r"(^|/)data_batch_\d$"), "test": re.compile(r"(^|/)test_batch$")}
_BINARY = {"train": re.compile(r"(^|/)data_batch_\d\.bin$"), "test": re.compile(r"(^|/)test_batch\.bin$")}
_IMAGE = {part: re.compile(rf"(^|/){part}/({'|'.join(CLASSES)})/[^/]+\.(jpe?g|png)$", re.IGNORECASE) for part in PARTS}


def find_source(path, part):
    """Return the folder, archive or .npz that holds `part` ("train" or "test") of CIFAR-10 at `path`.

    Of a folder that is its own batches or images, else a published archive in it, else the largest other archive whose name has `part`, else the
    largest such .npz. Raises UserError where there is none.
    """
    path = Path(path)
    if path.is_file():
        return path
    if path.is_dir():
        if any(_kind(name, part) for name, _ in _files(path)):
            return path
        published = [path / name for name in PUBLISHED if (path / name).is_file()]
        others = [entry for entry in path.iterdir() if part in entry.name and entry.is_file()]
        others.sort(key=lambda entry: (not _is_archive(entry), -entry.stat().st_size, entry.name))
        found = published + [entry for entry in others if _is_archive(entry) or entry.suffix == ".npz"]
        if found:
            return found[0]
    raise UserError(f"there is no {part} part of CIFAR-10 in {path}: it must be a folder with {' or '.join(PUBLISHED)}, the files out of one of "
                    f"them, or images as {part}/CLASS/NAME.png or .jpg, such as {part}/{CLASSES[0]}/0001.png")


def files_read(source, part):
    """Yield (name within it, path) of the files that `read_source` reads: a file alone is its own "."."""
    if source.is_file():
        yield ".", source
    else:
        yield from ((name, file) for name, file in _files(source) if _kind(name, part))


def read_source(source, part, advance=lambda done: None):
    """Return (images uint8 [N, 32, 32, 3], labels uint8 [N]) of `part` in what `find_source` found, in the order of the files' names.

    advance is called with how many images are read. Raises UserError, with the file's name, where something is damaged.
    """
    source = Path(source)
    if source.suffix == ".npz":
        return _from_npz(source)
    if source.name in PUBLISHED:
        check_sum(source)
    pieces, done = [], 0
    for name, content in _members(source, part):
        images, labels = _kind(name, part)(f"{source}: {name}", content)
        pieces.append((name, images, labels))
        done += len(labels)
        advance(done)
    if not pieces:
        raise UserError(f"{source} holds nothing of the {part} part of CIFAR-10")
    pieces.sort(key=lambda piece: piece[0])
    return np.concatenate([images for _, images, _ in pieces]), np.concatenate([labels for *_, labels in pieces])


def check_sum(path):
    """Raise UserError where a published archive is not what was published."""
    with path.open("rb") as file:
        got = hashlib.file_digest(file, "md5").hexdigest()
    if got != PUBLISHED[path.name]:
        raise UserError(f"{path} has the MD5 {got}, but the published file has {PUBLISHED[path.name]}: fetch it again")


def _is_archive(path):
    return path.name.endswith(TAR_SUFFIXES)


def _kind(name, part):
    """Return the function that reads a file of that name, None where it is not of `part`."""
    kinds = (_BATCH, _from_batch), (_BINARY, _from_binary), (_IMAGE, _from_image)
    return next((read for patterns, read in kinds if patterns[part].search(name)), None)


def _files(folder):
    """Yield (name within `folder`, path) of its files, at most three levels down."""
    for pattern in ("*", "*/*", "*/*/*"):
        for path in sorted(folder.glob(pattern)):
            if path.is_file():
                yield path.relative_to(folder).as_posix(), path


def _members(source, part):
    """Yield (name, content) of the files of a folder or an archive that are of `part`."""
    if source.is_dir():
        yield from ((name, path.read_bytes()) for name, path in files_read(source, part))
        return
    try:
        with tarfile.open(source) as archive:
            for member in archive:
                if member.isfile() and _kind(member.name, part):
                    yield member.name, archive.extractfile(member).read()
    except UNREADABLE_TAR as error:
        raise UserError(f"{source} is no archive that can be read: {reason(error)}") from error


class _Plain(pickle.Unpickler):
    """Knows only what arrays of numbers are made of, so that a batch can hold no code."""

    _known = {("numpy", "ndarray"): np.ndarray, ("numpy", "dtype"): np.dtype} | {
        (module, "_reconstruct"): np.ndarray.__reduce__(np.zeros(0))[0] for module in ("numpy.core.multiarray", "numpy._core.multiarray")}

    def find_class(self, module, name):
        """Return what a batch may name."""
        if (module, name) not in self._known:
            raise pickle.UnpicklingError(f"it names {module}.{name}, which no batch of images needs")
        return self._known[module, name]


def _from_batch(where, content):
    try:
        batch = _Plain(io.BytesIO(content), encoding="bytes").load()
        data, labels = batch[b"data"], np.array(batch[b"labels"])
        if not isinstance(data, np.ndarray) or data.dtype != np.uint8:
            raise ValueError("its data are no bytes")
    except Exception as error:  # an unpickler fails in any way
        raise UserError(f"{where} is no pickled batch of CIFAR-10: {error}") from error
    return _checked(where, data, labels)


def _from_binary(where, content):
    records = np.frombuffer(content, np.uint8)
    if not len(records) or len(records) % (1 + _PIXELS):
        raise UserError(f"{where} has {len(records)} bytes, which are no whole records of {1 + _PIXELS}")
    records = records.reshape(-1, 1 + _PIXELS)
    return _checked(where, records[:, 1:], records[:, 0])


def _checked(where, planes, labels):
    """Return (images, labels) of `planes` [N, 3072]: all red, all green, all blue of each image."""
    if planes.ndim != 2 or planes.shape[1] != _PIXELS or labels.shape != (len(planes),):
        raise UserError(f"{where} holds data of {planes.shape} and labels of {labels.shape}, but CIFAR-10 has N x {_PIXELS} and N")
    return planes.reshape(-1, 3, SIZE, SIZE).transpose(0, 2, 3, 1), _checked_labels(where, labels)


def _checked_labels(where, labels):
    if not len(labels) or not np.issubdtype(labels.dtype, np.integer) or labels.min() < 0 or labels.max() >= len(CLASSES):
        raise UserError(f"{where} has labels that are not 0 to {len(CLASSES) - 1}")
    return labels.astype(np.uint8)


def _from_image(where, content):
    from PIL import Image, UnidentifiedImageError
    try:
        with Image.open(io.BytesIO(content)) as image:
            pixels = np.asarray(image.convert("RGB"))
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise UserError(f"{where} is no image: {error}") from error
    if pixels.shape != (SIZE, SIZE, 3):
        raise UserError(f"{where} has {pixels.shape[1]} x {pixels.shape[0]} pixels, but CIFAR-10 has {SIZE} x {SIZE}")
    return pixels[np.newaxis], np.array([CLASSES.index(Path(where).parent.name.lower())], np.uint8)


def _from_npz(path):
    try:
        with np.load(path, allow_pickle=False) as stored:
            images, labels = stored["x"], stored["y"]
    except UNREADABLE as error:
        raise UserError(f"{path} is no .npz with images `x` and labels `y`: {reason(error)}") from error
    if images.dtype != np.uint8 or images.shape[1:] != (SIZE, SIZE, 3) or labels.shape != (len(images),):
        raise UserError(f"{path} holds x of {images.dtype} {images.shape} and y of {labels.shape}, "
                        f"but CIFAR-10 has uint8 N x {SIZE} x {SIZE} x 3 and N")
    return images, _checked_labels(path, labels)
