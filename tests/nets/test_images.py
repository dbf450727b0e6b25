# SPDX-License-Identifier: BSD-2-Clause
"""Images in every kind of file come out as the numbers that they are; what does not fit is refused with a sentence."""

import tarfile

import numpy as np
import pytest
from PIL import Image

from accel.errors import UserError
from compiler.ir import TensorInfo
from nets.images import open_images
from nets.pictures import labels_of
from nets.preprocessing import Preprocessing

RNG = np.random.default_rng(1)
SHAPE = (6, 5, 3)
PIXELS = RNG.integers(0, 256, (4, *SHAPE), dtype=np.uint8)
LABELS = np.array([3, 0, 1, 3])
TENSOR = TensorInfo("input", *SHAPE, scale=1.0, zero_point=-128)


def save_pictures(folder, names):
    for name, pixels in zip(names, PIXELS):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / name)


@pytest.mark.parametrize("keys", [("images", "labels"), ("x", "y")])
def test_an_npz_holds_images_and_labels(tmp_path, keys):
    np.savez(tmp_path / "set.npz", **dict(zip(keys, (PIXELS, LABELS))))
    images = open_images(tmp_path / "set.npz", SHAPE)
    assert len(images) == 4 and images.labels.tolist() == LABELS.tolist()
    np.testing.assert_array_equal(images.int8(1, 3, TENSOR), (PIXELS[1:3].astype(int) - 128).astype(np.int8))
    np.testing.assert_array_equal(images.real(0, 4), PIXELS.astype(np.float32))


def test_a_npy_holds_images_alone(tmp_path):
    np.save(tmp_path / "set.npy", PIXELS.astype(np.float32) / 255)
    images = open_images(tmp_path / "set.npy", SHAPE)
    assert images.labels is None
    np.testing.assert_array_equal(images.real(0, 1)[0], PIXELS[0].astype(np.float32) / 255)


@pytest.mark.parametrize("shape, stored", [((6, 5, 1), (4, 6, 5)), ((6, 5, 1), (4, 30)), ((1, 1, 90), (4, 90))])
def test_an_array_without_channels_or_flattened_is_given_the_networks_shape(tmp_path, shape, stored):
    numbers = RNG.integers(-128, 128, stored, dtype=np.int8)
    np.savez(tmp_path / "set.npz", x=numbers)
    np.testing.assert_array_equal(open_images(tmp_path / "set.npz", shape).int8(0, 4, TENSOR), numbers.reshape(4, *shape))


def test_int8_images_are_the_networks_own_numbers_and_real_by_its_scale(tmp_path):
    numbers = PIXELS.view(np.int8)
    np.save(tmp_path / "set.npy", numbers)
    images, tensor = open_images(tmp_path / "set.npy", SHAPE, Preprocessing(scale=1 / 255)), TensorInfo("input", *SHAPE, scale=0.5, zero_point=3)
    np.testing.assert_array_equal(images.int8(0, 4, tensor), numbers)
    np.testing.assert_array_equal(images.real(0, 4, tensor), 0.5 * (numbers.astype(np.float32) - 3))
    with pytest.raises(UserError, match="int8, quantised already"):
        images.real(0, 1)


def test_pixels_are_scaled_shifted_and_divided_in_the_networks_order_of_colours(tmp_path):
    np.save(tmp_path / "set.npy", PIXELS)
    images = open_images(tmp_path / "set.npy", SHAPE, Preprocessing(scale=1 / 255, mean=(0.1, 0.2, 0.3), std=(0.5, 1.0, 2.0), bgr=True))
    np.testing.assert_allclose(images.real(2, 3)[0], (PIXELS[2, ..., ::-1] / 255 - [0.1, 0.2, 0.3]) / [0.5, 1, 2], rtol=1e-6)
    quantised = images.int8(2, 3, TensorInfo("input", *SHAPE, scale=0.01, zero_point=5))
    np.testing.assert_array_equal(quantised, np.clip(np.round(images.real(2, 3) / 0.01) + 5, -128, 127))


def test_one_picture_is_a_set_of_one(tmp_path):
    save_pictures(tmp_path, ["one.png"])
    images = open_images(tmp_path / "one.png", SHAPE)
    assert len(images) == 1 and images.labels is None
    np.testing.assert_array_equal(images.real(0, 1)[0], PIXELS[0])


def test_sub_folders_are_classes_and_come_in_turn(tmp_path):
    save_pictures(tmp_path, ["cat/a.png", "cat/b.png", "cat/c.png", "bird/z.png"])
    images = open_images(tmp_path, SHAPE)
    assert images.labels.tolist() == [0, 1, 1, 1]
    np.testing.assert_array_equal(images.real(0, 4), PIXELS[[3, 0, 1, 2]])


@pytest.mark.parametrize("names, labels", [
    (["007_a_x.png", "012_b.png"], [7, 12]),
    (["7/a.png", "12/b.png", "12/1.png"], [7, 12, 12]),
    (["cat/1.png", "dog/1.png"], [0, 1]),
    (["a.png", "7_b.png"], None),
    (["0.png", "1.png", "2.png"], None),
    (["0-a.png", "1-b.png"], None),
    (["12.png", "13.png"], None),
    (["12_a.png"], None),
    ([], None),
])
def test_labels_are_read_off_folders_or_names(names, labels):
    found = labels_of(names)
    assert (None if found is None else found.tolist()) == labels


@pytest.mark.parametrize("mode", ["w", "w:xz"])
def test_a_tar_of_pictures_is_read_in_any_order(tmp_path, mode):
    save_pictures(tmp_path / "set", ["002_a.png", "000_b.png", "001_c.png"])
    with tarfile.open(tmp_path / "set.tar", mode) as archive:
        for name in ("002_a.png", "000_b.png", "001_c.png"):
            archive.add(tmp_path / "set" / name, name)
    images = open_images(tmp_path / "set.tar", SHAPE)
    assert images.labels.tolist() == [0, 1, 2]
    np.testing.assert_array_equal(images.real(2, 3)[0], PIXELS[0])
    np.testing.assert_array_equal(images.real(0, 2), PIXELS[[1, 2]])


@pytest.mark.parametrize("suffix, mode", [(".tar", "w"), (".tgz", "w:gz"), (".tar.xz", "w:xz"), (".tar.bz2", "w:bz2")])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.8])
def test_a_truncated_archive_is_refused_with_its_name(suffix, mode, share, tmp_path):
    save_pictures(tmp_path / "set", [f"{i}_a.png" for i in range(4)])
    with tarfile.open(tmp_path / f"cut{suffix}", mode) as archive:
        archive.add(tmp_path / "set", "set")
    data = (tmp_path / f"cut{suffix}").read_bytes().rstrip(b"\0")
    (tmp_path / f"cut{suffix}").write_bytes(data[:int(share * len(data))])
    with pytest.raises(UserError, match=rf"cut{suffix} is no archive that can be read: |no picture .* in .*cut{suffix}") as caught:
        open_images(tmp_path / f"cut{suffix}", SHAPE).real(0, 1)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("seed", range(4))
def test_damaged_sets_are_refused_or_read_but_never_a_traceback(seed, tmp_path):
    rng = np.random.default_rng(seed)
    save_pictures(tmp_path, ["one.png", "one.jpg"])
    np.savez_compressed(tmp_path / "one.npz", x=PIXELS, y=LABELS)
    np.save(tmp_path / "one.npy", PIXELS)
    for name in ("one.png", "one.jpg", "one.npz", "one.npy"):
        data = (tmp_path / name).read_bytes()
        for _ in range(40):
            flipped = bytearray(data)
            flipped[rng.integers(len(data))] ^= 1 << rng.integers(8)
            (tmp_path / name).write_bytes(flipped)
            try:
                open_images(tmp_path / name, SHAPE).real(0, 1)
            except UserError as error:
                assert name in str(error)


def test_a_grey_network_gets_grey_pictures(tmp_path):
    save_pictures(tmp_path, ["one.png"])
    grey = np.asarray(Image.fromarray(PIXELS[0]).convert("L"))
    np.testing.assert_array_equal(open_images(tmp_path / "one.png", (6, 5, 1)).real(0, 1)[0, ..., 0], grey)


def test_pictures_are_resized_by_the_shorter_side_and_cut_at_the_centre(tmp_path):
    pixels = np.zeros((12, 20, 3), np.uint8)
    pixels[:, 8:12] = 200
    Image.fromarray(pixels).save(tmp_path / "wide.png")
    cut = open_images(tmp_path / "wide.png", SHAPE, resize=6, crop=True).real(0, 1)[0]
    assert cut.shape == SHAPE and (cut[:, 2:4] > 150).all() and (cut[:, 0] < 50).all()
    np.save(tmp_path / "wide.npy", pixels[np.newaxis])
    np.testing.assert_array_equal(open_images(tmp_path / "wide.npy", SHAPE, resize=6, crop=True).real(0, 1)[0], cut)
    np.testing.assert_array_equal(open_images(tmp_path / "wide.npy", SHAPE, crop=True).real(0, 1)[0], pixels[3:9, 7:12])


def test_labels_of_their_own_file_replace_those_of_the_set(tmp_path):
    np.savez(tmp_path / "set.npz", x=PIXELS, y=LABELS)
    (tmp_path / "labels.txt").write_text("5\n6\n7\n8\n")
    np.save(tmp_path / "labels.npy", np.array([5, 6, 7, 8]))
    for name in ("labels.txt", "labels.npy"):
        assert open_images(tmp_path / "set.npz", SHAPE, labels=tmp_path / name).labels.tolist() == [5, 6, 7, 8]


def test_calibration_images_are_spread_over_the_set(tmp_path):
    np.save(tmp_path / "set.npy", np.arange(10, dtype=np.uint8).reshape(10, 1, 1, 1))
    images = open_images(tmp_path / "set.npy", (1, 1, 1))
    assert images.spread(4).reshape(-1).tolist() == [0, 3, 6, 9]
    assert images.spread(99).reshape(-1).tolist() == list(range(10))


def test_the_share_of_numbers_beyond_the_networks_input_is_seen(tmp_path):
    np.save(tmp_path / "set.npy", np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1))
    images, tensor = open_images(tmp_path / "set.npy", (16, 16, 1)), TensorInfo("input", 16, 16, 1, scale=0.5, zero_point=-128)
    assert images.outside(1, tensor) == (128 / 256, 0, 127.5)
    assert images.outside(1, TensorInfo("input", 16, 16, 1, scale=1.0, zero_point=-128))[0] == 0
    assert open_images(tmp_path / "set.npy", (16, 16, 1), Preprocessing(scale=1 / 255)).outside(1, tensor)[0] == 0


def test_what_does_not_fit_is_refused_with_a_sentence(tmp_path):
    save_pictures(tmp_path / "folder", ["a.png", "b.png"])
    np.save(tmp_path / "wide.npy", np.zeros((2, 9, 5, 3), np.uint8))
    np.save(tmp_path / "first.npy", np.zeros((2, 3, 6, 5), np.uint8))
    np.save(tmp_path / "long.npy", np.zeros((2, *SHAPE), np.int64))
    np.save(tmp_path / "row.npy", np.zeros((2, 90), np.uint8))
    np.save(tmp_path / "none.npy", PIXELS[:0])
    Image.fromarray(np.full((6, 5), 40000, np.uint16)).save(tmp_path / "deep.png")
    for value in (np.nan, np.inf):
        np.save(tmp_path / f"{value}.npy", np.where(np.arange(4).reshape(4, 1, 1, 1) == 2, value, PIXELS / 255))
    np.savez(tmp_path / "other.npz", pictures=PIXELS)
    np.savez(tmp_path / "set.npz", x=PIXELS, y=LABELS[:2])
    (tmp_path / "broken.npz").write_bytes(b"")
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "empty").mkdir()
    (tmp_path / "labels.txt").write_text("cat\n")
    cases = [
        ("wide.npy", {}, r"takes images of 6 x 5 x 3, but .*wide.npy holds images of 9 x 5 x 3: uint8 images can be fitted by --resize PIXELS"),
        ("first.npy", {}, "put the channels last"), ("long.npy", {}, "it holds int64"), ("other.npz", {}, "neither `images` nor `x`"),
        ("row.npy", {}, "90 numbers in a row, whose order it does not say"), ("none.npy", {}, "there is no image in .*none.npy"),
        ("deep.png", {"shape": (6, 5, 1)}, "deep.png has more than 8 bits a value"),
        ("nan.npy", {}, "no finite numbers, first in image 2"), ("inf.npy", {}, "no finite numbers, first in image 2"),
        ("set.npz", {}, "4 images in .*set.npz, but 2 labels"), ("broken.npz", {}, "broken.npz is no file of images"),
        ("gone.npz", {}, "gone.npz is no file of images"), ("gone", {}, "there is no file or folder of images .*gone"),
        ("empty", {}, "there is no picture"), ("folder", {"shape": (6, 6, 3)}, r"takes images of 6 x 6 pixels, but .*a.png has 6 x 5"),
        ("folder", {"shape": (6, 5, 4)}, "the network takes 4"), ("broken.png", {}, "broken.png is no picture that can be read"),
        ("folder", {"labels": tmp_path / "labels.txt"}, "labels.txt is no file of labels"),
        ("folder", {"shape": (7, 5, 3), "crop": True}, "takes images of 7 x 5 pixels"),
    ]
    for name, options, sentence in cases:
        shape = options.pop("shape", SHAPE)
        with pytest.raises(UserError, match=sentence):
            open_images(tmp_path / name, shape, **options).real(0, 1)
    with pytest.raises(UserError, match="there are 2 images, so --count must be 1 to 2, not 3"):
        open_images(tmp_path / "folder", SHAPE).check_count(3)
