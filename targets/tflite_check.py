# SPDX-License-Identifier: BSD-2-Clause
"""Holds a model that came as .tflite against TFLite's own interpreter, tensor by tensor."""

from nets.zoo import importer


def tflite_check(model):
    """Return the nets.importers.interpreter.Comparison of a Model, or None where it did not come as .tflite.

    Raises UserError where the packages that it needs are not installed.
    """
    return importer("interpreter").Comparison(model) if model.indices else None
