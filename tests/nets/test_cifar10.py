# SPDX-License-Identifier: BSD-2-Clause
"""CIFAR-10 is the same in all its forms, what is damaged or missing is refused with its name, and no batch can run code."""

import hashlib
import pickle

import numpy as np
import pytest

from accel.errors import UserError
from nets import cifar10_formats
from nets.cifar10 import as_input, load_cifar10
from tests.support.cifar10_files import batch, binary, files, pictures, png, write_archive, write_folder
from tests.support.real_data import real_data

IMAGES, LABELS = pictures(40)


def in_order(images, labels):
    """The set as a list that does not depend on the images' order."""
    return sorted(zip(labels.tolist(), (image.tobytes() for image in images), strict=True))


@pytest.mark.parametrize("part", ["train", "test"])
@pytest.mark.parametrize("form", ["python", "binary", "images"])
@pytest.mark.parametrize("packed", [False, ".gz", ".xz"])
def test_every_form_gives_the_same_pictures(form, part, packed, tmp_path):
    contents = files(form, IMAGES, LABELS, part)
    if packed:
        write_archive(tmp_path / f"my-{part}.tar{packed}", contents)
    else:
        write_folder(tmp_path, contents)
    loaded = load_cifar10(tmp_path, part, cache=tmp_path / "cache")
    assert in_order(loaded.images, loaded.labels) == in_order(IMAGES, LABELS)
    if form != "images":
        np.testing.assert_array_equal(loaded.images, IMAGES)


def test_the_folder_of_batches_itself_will_do(tmp_path):
    write_folder(tmp_path, files("python", IMAGES, LABELS, "test"))
    assert len(load_cifar10(tmp_path / "cifar-10-batches-py", "test", cache=tmp_path / "cache").labels) == 40


def test_pictures_are_decoded_once_and_again_when_the_file_changes(tmp_path):
    write_archive(tmp_path / "train.tar.gz", files("images", IMAGES, LABELS, "train"))
    calls = []
    for _ in range(2):
        load_cifar10(tmp_path, "train", calls.append, tmp_path / "cache")
    assert calls == list(range(1, 41))
    write_archive(tmp_path / "train.tar.gz", files("images", IMAGES[:30], LABELS[:30], "train"))
    assert len(load_cifar10(tmp_path, "train", cache=tmp_path / "cache").labels) == 30


def test_pictures_that_a_folder_has_gained_lost_or_changed_are_seen(tmp_path):
    contents = files("images", IMAGES, LABELS, "train")
    later = list(contents)[-1]
    write_folder(tmp_path / "data", {name: content for name, content in contents.items() if name != later})
    assert len(load_cifar10(tmp_path / "data", "train", cache=tmp_path / "cache").labels) == 39
    write_folder(tmp_path / "data", {later: contents[later]})
    assert len(load_cifar10(tmp_path / "data", "train", cache=tmp_path / "cache").labels) == 40
    write_folder(tmp_path / "data", {later: png(np.zeros_like(IMAGES[0]))})
    assert not load_cifar10(tmp_path / "data", "train", cache=tmp_path / "cache").images.any(axis=(1, 2, 3)).all()
    (tmp_path / "data" / later).unlink()
    assert len(load_cifar10(tmp_path / "data", "train", cache=tmp_path / "cache").labels) == 39


def test_files_of_the_other_part_decode_nothing_anew(tmp_path):
    write_folder(tmp_path / "data", files("images", IMAGES, LABELS, "train"))
    load_cifar10(tmp_path / "data", "train", cache=tmp_path / "cache")
    write_folder(tmp_path / "data", files("images", IMAGES, LABELS, "test"))
    load_cifar10(tmp_path / "data", "train", lambda done: pytest.fail("decoded again"), tmp_path / "cache")


def test_a_decoded_file_that_is_damaged_is_decoded_anew(tmp_path):
    write_folder(tmp_path / "data", files("images", IMAGES, LABELS, "train"))
    before = load_cifar10(tmp_path / "data", "train", cache=tmp_path / "cache")
    kept, = (tmp_path / "cache").iterdir()
    kept.write_bytes(kept.read_bytes()[:1000])
    again = load_cifar10(tmp_path / "data", "train", cache=tmp_path / "cache")
    np.testing.assert_array_equal(again.images, before.images)
    load_cifar10(tmp_path / "data", "train", lambda done: pytest.fail("decoded again"), tmp_path / "cache")


def test_of_several_archives_the_largest_is_read(tmp_path):
    np.savez(tmp_path / "test_small.npz", x=IMAGES[:10], y=LABELS[:10])
    np.savez(tmp_path / "test_large.npz", x=IMAGES, y=LABELS)
    loaded = load_cifar10(tmp_path, "test", cache=tmp_path / "cache")
    assert (loaded.source, len(loaded.labels)) == ("test_large.npz", 40)


def test_a_published_archive_that_differs_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "cifar-10-python.tar.gz"
    write_archive(path, files("python", IMAGES, LABELS, "test"))
    with pytest.raises(UserError, match="has the MD5 .* but the published file has c58f30108f718f92721af3b95e74349a: fetch it again"):
        load_cifar10(tmp_path, "test", cache=tmp_path / "cache")
    monkeypatch.setitem(cifar10_formats.PUBLISHED, path.name, hashlib.md5(path.read_bytes()).hexdigest())
    assert len(load_cifar10(tmp_path, "test", cache=tmp_path / "cache").labels) == 40


class Runs:
    """Unpickled, it would print."""

    def __reduce__(self):
        return print, ("ran",)


@pytest.mark.parametrize("content", [pickle.dumps({b"data": Runs()}), pickle.dumps(np.array([Runs()], object)), b"cos\nsystem\n(S'true'\ntR."])
def test_a_batch_that_would_run_code_is_refused(content, tmp_path, capsys):
    (tmp_path / "test_batch").write_bytes(content)
    with pytest.raises(UserError, match="test_batch is no pickled batch of CIFAR-10: it names .*, which no batch of images needs"):
        load_cifar10(tmp_path, "test", cache=tmp_path / "cache")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("name, content, sentence", [
    ("test_batch", batch(IMAGES, LABELS)[:5000], "is no pickled batch of CIFAR-10"),
    ("test_batch", pickle.dumps({b"data": b"", b"labels": [0]}, 2), "is no pickled batch of CIFAR-10: it names _codecs.encode"),
    ("test_batch", batch(IMAGES, LABELS[:39]), r"holds data of \(40, 3072\) and labels of \(39,\)"),
    ("test_batch", batch(IMAGES, np.full(40, 10)), "has labels that are not 0 to 9"),
    ("test_batch.bin", binary(IMAGES, LABELS)[:-1], "has 122919 bytes, which are no whole records of 3073"),
    ("test_batch.bin", b"", "has 0 bytes"),
    ("test/cat/1.png", png(IMAGES[0])[:60], "1.png is no image"),
    ("test/cat/1.png", png(IMAGES[0, :20]), "1.png has 32 x 20 pixels, but CIFAR-10 has 32 x 32"),
    ("test.npz", b"PK", "test.npz is no .npz with images"),
    ("test.tar.xz", b"nothing", "test.tar.xz is no archive that can be read")])
def test_what_is_damaged_is_refused_with_its_name(name, content, sentence, tmp_path):
    write_folder(tmp_path, {name: content})
    with pytest.raises(UserError, match=sentence):
        load_cifar10(tmp_path, "test", cache=tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("labels", [np.full(40, 10), np.full(40, -1), np.full(40, 266), np.full(40, 0.5), np.full(40, "cat"), np.zeros(0, int)])
def test_an_array_with_labels_that_are_none_is_refused(labels, tmp_path):
    np.savez(tmp_path / "test.npz", x=IMAGES[:len(labels)], y=labels)
    with pytest.raises(UserError, match="test.npz has labels that are not 0 to 9"):
        load_cifar10(tmp_path, "test", cache=tmp_path / "cache")


def test_a_truncated_archive_is_refused(tmp_path):
    path = tmp_path / "test.tar.xz"
    write_archive(path, files("images", IMAGES, LABELS, "test"))
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(UserError, match="test.tar.xz is no archive that can be read"):
        load_cifar10(tmp_path, "test", cache=tmp_path / "cache")


def test_an_archive_without_the_part_is_refused(tmp_path):
    path = tmp_path / "my.tar.xz"
    write_archive(path, files("images", IMAGES, LABELS, "test"))
    with pytest.raises(UserError, match="holds nothing of the train part"):
        load_cifar10(path, "train", cache=tmp_path / "cache")


@pytest.mark.parametrize("place", ["", "nowhere"])
def test_data_that_is_not_there_is_asked_for(place, tmp_path):
    with pytest.raises(UserError, match="there is no train part of CIFAR-10 in .*: it must be a folder with cifar-10-python.tar.gz"):
        load_cifar10(tmp_path / place, "train", cache=tmp_path / "cache")


def test_inputs_are_the_pixels_less_128_in_sixtyfourths():
    assert as_input(np.array([[[[0, 128, 255]]]], np.uint8)).tolist() == [[[[-2.0, 0.0, 127 / 64]]]]


def test_real_test_images_are_read(tmp_path):
    loaded = load_cifar10(real_data("cifar10"), "test", cache=tmp_path)
    assert loaded.images.shape == (5000, 32, 32, 3) and np.bincount(loaded.labels).tolist() == [500] * 10


@pytest.mark.full
def test_real_training_images_are_read(tmp_path):
    loaded = load_cifar10(real_data("cifar10"), "train", cache=tmp_path)
    assert loaded.images.shape == (50000, 32, 32, 3) and np.bincount(loaded.labels).tolist() == [5000] * 10
