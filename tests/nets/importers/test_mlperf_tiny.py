# SPDX-License-Identifier: BSD-2-Clause
"""The real networks of MLPerf Tiny, unmodified, over their labelled inputs: every tensor is the interpreter's."""

from dataclasses import replace

import numpy as np
import pytest

from accel.errors import UserError
from compiler.reference import execute
from nets.importers.interpreter import Interpreter, differences
from nets.importers.tflite import import_tflite
from nets.importers.tflite_file import read_tflite
from nets.mlperf_tiny import NAMES, tiny_file, tiny_model, tiny_samples
from nets.zoo import predictions
from tests.support.real_data import real_data

MACS = {"resnet8": 12_501_632, "dscnn": 2_656_768, "vww": 7_489_664}
# Of all labelled inputs there are: less than over the suite's own test sets, since those of vww are only 100.
ACCURACY = {"resnet8": 0.85, "dscnn": 0.90, "vww": 0.75}

NETWORKS = pytest.mark.parametrize("name", NAMES)


def loaded(name, most=None):
    """Return (model, images, labels); skips where the real data are not there."""
    real_data("mlperf_tiny")
    model = tiny_model(name)
    return model, *tiny_samples(name, model.network, most)


@NETWORKS
def test_every_tensor_of_a_few_inputs_is_the_interpreters(name):
    model, images, _ = loaded(name, 5)
    assert sum(model.network.macs(layer) for layer in model.network.layers) == MACS[name]
    assert set(model.indices) == set(model.network.tensors)
    assert differences(model, images) == []


@NETWORKS
def test_a_tensor_that_is_wrong_by_one_is_found_by_its_place(name):
    model, images, _ = loaded(name, 1)
    layer, *others = model.network.layers
    wrong = replace(layer, bias=layer.bias + np.where(np.arange(len(layer.bias)) == 3, 1 << 10, 0))
    sentence = differences(replace(model, network=replace(model.network, layers=(wrong, *others))), images)[0]
    assert sentence.startswith(f"image 0, layer {layer.name!r}, tensor {layer.output!r}, position (")
    assert ", 3) (row, column, channel): expected " in sentence
    assert sentence.endswith(f"(expected is what TFLite's interpreter gives for tensor {model.indices[layer.output]} of the file)")


@NETWORKS
@pytest.mark.full
def test_predictions_and_every_tensor_are_the_interpreters_over_the_whole_labelled_set(name):
    model, images, labels = loaded(name)
    interpreter, theirs = Interpreter(model.source), []
    for low in range(0, len(images), 50):
        ours = execute(model.network, images[low:low + 50])
        for place, image in enumerate(images[low:low + 50]):
            tensors = interpreter.run(image)
            for tensor, number in model.indices.items():
                mine = ours[tensor][place]
                np.testing.assert_array_equal(mine, tensors[number].reshape(mine.shape), f"image {low + place}, {tensor}")
            theirs.append(tensors[model.indices[model.network.output]].reshape(-1))
    assert (predictions(np.array(theirs)) == labels).mean() >= ACCURACY[name]


@NETWORKS
def test_names_are_short_and_say_what_the_layers_are(name):
    model, _, _ = loaded(name, 1)
    names = [layer.name for layer in model.network.layers]
    assert names[0] == "conv2d" and names[-2:] == ["dense", "softmax"]
    assert all(len(layer) <= 24 for layer in names) and ("add_2" in names) == (name == "resnet8")


@NETWORKS
def test_a_truncated_real_file_is_refused_wherever_it_was_cut(name, tmp_path):
    real_data("mlperf_tiny")
    content, cut = tiny_file(name).read_bytes(), tmp_path / "cut.tflite"
    for length in (*range(8, len(content), len(content) // 40), *range(len(content) - 16, len(content))):
        cut.write_bytes(content[:length])
        with pytest.raises(UserError, match="damaged or truncated"):
            read_tflite(cut)


def test_float_and_hybrid_files_of_the_suite_are_refused_as_such():
    real_data("mlperf_tiny")
    for file, what in (("ic/pretrainedResnet.tflite", "float"), ("vww/vww_96_float.tflite", "float"), ("kws/kws_ref_model_float32.tflite", "hybrid")):
        with pytest.raises(UserError, match=f"is a {what} model"):
            import_tflite(real_data(f"mlperf_tiny/{file}"))


def test_an_unknown_network_is_refused_with_the_names():
    with pytest.raises(UserError, match="there is no network 'resnet9' of MLPerf Tiny: choose resnet8, dscnn, vww"):
        tiny_file("resnet9")
