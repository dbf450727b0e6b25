# SPDX-License-Identifier: BSD-2-Clause
"""A training learns, is the same when it is stopped and goes on, prunes to the density asked for, and refuses what does not belong to it."""

from dataclasses import replace

import numpy as np
import pytest

from accel.errors import UserError
from nets.cifar10 import LabelledImages
from nets.definition import Draft
from nets.recipe import Recipe
from tests.support.cifar10_files import pictures

torch = pytest.importorskip("torch", reason="training needs torch (make train)")
from nets import checkpoint, training  # noqa: E402 (needs torch)
from nets.training import Training, accuracy  # noqa: E402 (needs torch)

pytestmark = pytest.mark.full

TRAIN, TEST = (LabelledImages(*pictures(count, seed), "made up") for count, seed in ((320, 1), (100, 2)))
RECIPE = Recipe(epochs=4, batch=32, rate=0.05, sizes=((16, 1),), seed=3)


def small():
    draft = Draft("small", 32, 32, 3)
    tensor = draft.max_pool("pool1", draft.convolution("conv1", "input", 16, stride=2), 2)
    tensor = draft.compressed("conv2", tensor, 64, 32, 2)
    tensor = draft.max_pool("pool3", draft.convolution("conv3", tensor, 64, stride=2), 2)
    tensor = draft.max_pool("pool4", tensor)
    draft.dense("classifier", tensor, 10)
    return draft.definition()


@pytest.fixture(autouse=True)
def one_small_network(monkeypatch):
    monkeypatch.setattr(checkpoint, "define", lambda name: small())
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)


def begin(path, recipe=RECIPE, **options):
    return Training(small(), recipe, TRAIN, path / "checkpoint.pt", **options)


def finish(one):
    while not one.finished:
        one.run_epoch()
    return one


def test_a_network_learns_what_is_easy(tmp_path):
    one = finish(begin(tmp_path))
    assert accuracy(one.net, TEST) > 0.9
    losses = [epoch["loss"] for epoch in one.history]
    assert losses[-1] < losses[0] and [epoch["pixels"] for epoch in one.history] == [16, 32, 32, 32]


@pytest.mark.parametrize("recipe", [RECIPE, replace(RECIPE, density=0.5, filters=0.5), replace(RECIPE, precision="bf16")],
                         ids=["plain", "pruned", "bf16"])
@pytest.mark.parametrize("stop", [1, 3])
def test_a_training_that_was_stopped_ends_bit_for_bit_as_one_that_was_not(recipe, stop, tmp_path):
    whole = finish(begin(tmp_path / "whole", recipe))
    stopped = begin(tmp_path / "stopped", recipe)
    for _ in range(stop):
        stopped.run_epoch()
    resumed = begin(tmp_path / "stopped", recipe)
    assert resumed.epoch == stop
    finish(resumed)
    assert whole.net.definition == resumed.net.definition
    for (name, expected), got in zip(whole.net.state_dict().items(), resumed.net.state_dict().values(), strict=True):
        assert torch.equal(expected, got), name
    for expected, got in zip(whole.optimiser.state_dict()["state"].values(), resumed.optimiser.state_dict()["state"].values(), strict=True):
        assert torch.equal(expected["momentum_buffer"], got["momentum_buffer"])
    assert [epoch["loss"] for epoch in whole.history] == [epoch["loss"] for epoch in resumed.history]


def test_a_network_can_be_trained_without_momentum(tmp_path):
    one = begin(tmp_path, replace(RECIPE, momentum=0.0))
    first = one.run_epoch()["loss"]
    assert one.run_epoch()["loss"] < first and begin(tmp_path, one.recipe).epoch == 2


def test_a_finished_training_is_only_read(tmp_path):
    one = finish(begin(tmp_path))
    again = begin(tmp_path)
    assert again.finished and accuracy(again.net, TEST) == accuracy(one.net, TEST)


def test_another_seed_gives_other_weights(tmp_path):
    one, other = (begin(tmp_path / str(seed), replace(RECIPE, epochs=1, sizes=(), seed=seed)) for seed in (1, 2))
    for each in (one, other):
        each.run_epoch()
    assert not torch.equal(one.net.weighted["conv1"].weight, other.net.weighted["conv1"].weight)


def test_pruning_ends_at_the_density_asked_for_with_the_pruned_weights_at_zero(tmp_path):
    start = finish(begin(tmp_path / "dense"))
    pruned = finish(begin(tmp_path / "pruned", replace(RECIPE, epochs=4, rate=0.02, sizes=(), density=0.5), start=start.checkpoint))
    for name, mask in pruned.net.connections().items():
        assert 0.5 <= mask.mean() <= 0.6, name
        assert not pruned.net.weighted[name].weight.detach().numpy()[~mask].any(), name
    assert set(pruned.net.connections()) == {"conv2_compress", "conv2", "conv3"}
    assert accuracy(pruned.net, TEST) > 0.9
    assert pruned.facts["start"]["recipe"]["epochs"] == 4 and pruned.facts["start"]["data_images"] == 320


def test_a_training_begins_with_the_network_that_it_tunes(tmp_path):
    start = finish(begin(tmp_path / "dense"))
    tuned = begin(tmp_path / "tuned", replace(RECIPE, filters=0.5), start=start.checkpoint)
    assert [layer.outputs for layer in tuned.net.definition.weighted] == [16, 16, 32, 32, 10]
    same = begin(tmp_path / "same", start=start.checkpoint)
    assert torch.equal(same.net.weighted["conv3"].weight, start.net.weighted["conv3"].weight)


def test_a_subset_of_the_images_is_drawn_from_all_classes(tmp_path):
    one = begin(tmp_path, replace(RECIPE, images=100))
    assert len(one.labels) == 100 and len(set(one.labels.tolist())) == 10


@pytest.mark.parametrize("change, sentence", [({"epochs": 5}, "was begun with epochs 4, not 5"), ({"seed": 9}, "was begun with seed 3, not 9"),
                                              ({"sizes": ()}, r"was begun with sizes \(\(16, 1\),\), not \(\)")])
def test_a_checkpoint_of_another_recipe_is_refused(change, sentence, tmp_path):
    begin(tmp_path).run_epoch()
    with pytest.raises(UserError, match=sentence):
        begin(tmp_path, replace(RECIPE, **change))


def test_a_checkpoint_of_other_data_is_refused(tmp_path):
    begin(tmp_path).run_epoch()
    with pytest.raises(UserError, match="was begun with data_images 320, not 100"):
        Training(small(), RECIPE, TEST, tmp_path / "checkpoint.pt")


def test_a_checkpoint_of_another_start_is_refused(tmp_path):
    one, other = (finish(begin(tmp_path / str(seed), replace(RECIPE, epochs=1, sizes=(), seed=seed))).checkpoint for seed in (1, 2))
    begin(tmp_path / "tuned", start=one).run_epoch()
    assert begin(tmp_path / "tuned", start=one).epoch == 1
    for start, sentence in ((other, "was begun with start '[0-9a-f]{64}', not '[0-9a-f]{64}': give the same options"), (None, "', not None"),
                            (tmp_path / "gone", "gone is no checkpoint that can be read: No such file")):
        with pytest.raises(UserError, match=sentence):
            begin(tmp_path / "tuned", start=start)
    begin(tmp_path / "new").run_epoch()
    with pytest.raises(UserError, match="was begun with start None, not '"):
        begin(tmp_path / "new", start=one)


@pytest.mark.parametrize("started", [False, True])
def test_a_checkpoint_from_when_starts_had_no_hash_goes_on(started, tmp_path):
    start = finish(begin(tmp_path / "start", replace(RECIPE, epochs=1, sizes=()))).checkpoint if started else None
    old = begin(tmp_path / "old", start=start)
    if started:
        del old.facts["start"]["sha256"]
    old.run_epoch()
    assert begin(tmp_path / "old", start=start).epoch == 1


def test_more_images_than_there_are_are_refused(tmp_path):
    with pytest.raises(UserError, match="there are 320 training images, not 500"):
        begin(tmp_path, replace(RECIPE, images=500))


def test_filters_of_a_network_with_pruned_connections_are_not_cut(tmp_path):
    start = finish(begin(tmp_path / "dense", replace(RECIPE, epochs=1, sizes=(), density=0.5)))
    with pytest.raises(UserError, match="has pruned connections already"):
        begin(tmp_path / "next", replace(RECIPE, filters=0.5), start=start.checkpoint)


def test_a_loss_that_is_no_number_ends_the_training(tmp_path):
    one = begin(tmp_path)
    with torch.no_grad():
        one.net.weighted["conv1"].weight.fill_(np.nan)
    with pytest.raises(UserError, match="the loss is no number any more in epoch 1: choose a smaller --rate than 0.05"):
        one.run_epoch()
    assert not one.checkpoint.exists()


@pytest.mark.parametrize("content", [b"", b"nothing of use", b"hello\n", b"epoch\n", None])
def test_a_file_that_is_no_checkpoint_is_refused(content, tmp_path):
    path = tmp_path / "checkpoint.pt"
    if content is None:
        torch.save({"net": 1}, path)
    else:
        path.write_bytes(content)
    with pytest.raises(UserError, match="checkpoint.pt is no checkpoint (of nets.train|that can be read: it is no file of PyTorch's)") as refused:
        begin(tmp_path)
    assert "weights_only" not in str(refused.value)


def test_a_checkpoint_that_lacks_something_is_refused(tmp_path):
    path = finish(begin(tmp_path, replace(RECIPE, epochs=1, sizes=()))).checkpoint
    whole = torch.load(path, weights_only=True)
    for field in whole:
        torch.save({name: value for name, value in whole.items() if name != field}, path)
        with pytest.raises(UserError, match="checkpoint.pt is no checkpoint of nets.train"):
            training.load_checkpoint(path)
    torch.save(whole | {"outputs": None}, path)
    with pytest.raises(UserError, match="checkpoint.pt holds weights of another 'small' than the project's"):
        training.load_checkpoint(path)


def test_a_checkpoint_that_would_run_code_is_refused(tmp_path, capsys):
    class Runs:
        """Unpickled, it would print."""

        def __reduce__(self):
            return print, ("ran",)

    torch.save({"format": Runs()}, tmp_path / "checkpoint.pt")
    with pytest.raises(UserError, match="is no checkpoint that can be read"):
        begin(tmp_path)
    assert capsys.readouterr().out == ""


def test_a_checkpoint_is_whole_even_when_writing_it_fails(tmp_path, monkeypatch):
    one = begin(tmp_path)
    one.run_epoch()
    before = one.checkpoint.read_bytes()
    monkeypatch.setattr(checkpoint.torch, "save", lambda content, file: (file.write(b"half"), 1 / 0))
    with pytest.raises(ZeroDivisionError):
        one.run_epoch()
    assert one.checkpoint.read_bytes() == before and training.load_checkpoint(one.checkpoint)[1]["epoch"] == 1
