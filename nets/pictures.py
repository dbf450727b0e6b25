# SPDX-License-Identifier: BSD-2-Clause
"""Picture files: one PNG or JPEG, a folder of them, or a .tar of them; their labels where folders or names give them."""

import io
import re
import tarfile
from itertools import count
from pathlib import Path, PurePath

import numpy as np
from PIL import Image

from accel.errors import UserError
from nets.unreadable import TAR_SUFFIXES, UNREADABLE, UNREADABLE_TAR, reason

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".ppm", ".pgm")
_MODES = {1: "L", 3: "RGB"}


class Pictures:
    """The pictures of a file, folder or .tar at `path`, for a network that takes images of `shape` (height, width, channels).

    labels: int64 [N], or None. They are the numbers of the sub-folders, in the order of their names, or the folders' names where these are
    numbers; without sub-folders the number before the first underscore of each file's name, as in 7_cat.png. Labelled pictures come one of each
    class in turn, so that the first ones are of all classes. resize: pixels that the shorter side is scaled to, None: as it is. crop: the centre is
    cut out.
    Raises UserError where there is no picture.
    """

    def __init__(self, path, shape, resize=None, crop=False):
        self.path, self.shape, self.resize, self.crop = Path(path), shape, resize, crop
        if shape[2] not in _MODES:
            raise UserError(f"{path} holds pictures, which have 1 or 3 channels, but the network takes {shape[2]}: give the images as an .npz")
        self.openers = _tar_openers(self.path) if self.path.is_file() and _is_tar(self.path) else _file_openers(self.path)
        if not self.openers:
            raise UserError(f"there is no picture ({', '.join(SUFFIXES)}) in {path}")
        names, self.labels = sorted(self.openers), None
        labels = labels_of(names)
        if labels is not None:
            order = _in_turn(labels)
            names, self.labels = [names[i] for i in order], labels[order]
        self.names = names

    def __len__(self):
        return len(self.names)

    @property
    def dtype(self):
        """What read() returns."""
        return np.dtype(np.uint8)

    def read(self, first, last):
        """Return uint8 [last - first, height, width, channels].

        Raises UserError, with the file's name, for one that cannot be read, has more than 8 bits a value, or does not fit.
        """
        return np.stack([self._picture(name) for name in self.names[first:last]])

    def _picture(self, name):
        try:
            with Image.open(io.BytesIO(self.openers[name]())) as image:
                mode, picture = image.mode, image.convert(_MODES[self.shape[2]])
        except (*UNREADABLE, *UNREADABLE_TAR, Image.DecompressionBombError) as error:
            raise UserError(f"{name} is no picture that can be read: {reason(error)}") from error
        if mode.startswith(("I", "F")):
            raise UserError(f"{name} has more than 8 bits a value: save it with 8, or give the images as an .npz")
        return fitted(picture, self.shape, self.resize, self.crop, name)


def fitted(picture, shape, resize, crop, name):
    """Return uint8 `shape` of a PIL image: resized, then cut at the centre, as asked. Raises UserError, with `name`, where it does not fit then."""
    if resize:
        factor = resize / min(picture.size)
        picture = picture.resize([max(1, round(factor * side)) for side in picture.size], Image.Resampling.BILINEAR)
    pixels = np.asarray(picture).reshape(picture.height, picture.width, shape[2])
    (height, width), (rows, columns) = pixels.shape[:2], shape[:2]
    if crop and height >= rows and width >= columns:
        top, left = (height - rows) // 2, (width - columns) // 2
        pixels = pixels[top:top + rows, left:left + columns]
    if pixels.shape != tuple(shape):
        raise UserError(f"the network takes images of {rows} x {columns} pixels, but {name} has {height} x {width}: --resize PIXELS scales the "
                        "shorter side, --crop cuts out the centre")
    return pixels


def labels_of(names):
    """Return the labels, int64 [N], that paths of files give, or None."""
    folders = [PurePath(name).parent.name for name in names]
    classes = sorted(set(folders))
    if len(classes) > 1:
        numbers = {name: int(name) if all(each.isdigit() for each in classes) else i for i, name in enumerate(classes)}
        return np.array([numbers[folder] for folder in folders], np.int64)
    found = [re.match(r"\d+(?=_)", PurePath(name).name) for name in names]
    return np.array([int(match[0]) for match in found], np.int64) if len(names) > 1 and all(found) else None


def _in_turn(labels):
    turns, seen = [], {}
    for label in labels.tolist():
        turns.append(next(seen.setdefault(label, count())))
    return np.lexsort((labels, turns))


def _file_openers(path):
    """Return {name: function that returns the file's bytes}."""
    if not path.exists():
        raise UserError(f"there is no file or folder of images {path}")
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES]
    return {str(file): file.read_bytes for file in files}


def _is_tar(path):
    try:
        return path.name.endswith(TAR_SUFFIXES) or tarfile.is_tarfile(path)
    except UNREADABLE_TAR:
        return True


def _tar_openers(path):
    """As _file_openers, of the files in an archive. A compressed one can only be read from its beginning: all pictures of it are kept."""
    try:
        with tarfile.open(path) as archive:
            if not isinstance(archive.fileobj, io.BufferedReader):
                contents = {member.name: archive.extractfile(member).read() for member in archive if _wanted(member)}
                return {name: lambda data=data: data for name, data in contents.items()}
        archive = tarfile.open(path, "r:")
        return {member.name: lambda member=member: archive.extractfile(member).read() for member in archive if _wanted(member)}
    except UNREADABLE_TAR as error:
        raise UserError(f"{path} is no archive that can be read: {reason(error)}") from error


def _wanted(member):
    return member.isfile() and PurePath(member.name).suffix.lower() in SUFFIXES
