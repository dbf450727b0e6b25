# SPDX-License-Identifier: BSD-2-Clause
"""Small ONNX models for tests, and what onnxruntime makes of them."""

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

# The operator set of models for which it makes no difference, and the intermediate representation that goes with all of them.
OPSET, IR_VERSION = 17, 8


class OnnxBuilder:
    """Collects operators; `add` returns the name of the one output, `constant` that of an initialiser."""

    def __init__(self, shape, opset=OPSET, kind=TensorProto.FLOAT, batch=1):
        self.shape, self.opset, self.kind, self.batch = tuple(shape), opset, kind, batch
        self.nodes, self.constants = [], []

    def constant(self, values, dtype=np.float32):
        """Add an initialiser."""
        name = f"k{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def add(self, op, *inputs, **attributes):
        """Add an operator of one output."""
        output = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [output], name=f"{op}{len(self.nodes)}", **attributes))
        return output

    def model(self, output=None, ir_version=IR_VERSION):
        """Return the onnx.ModelProto whose output is the last operator's, with the shapes that onnx infers."""
        source = helper.make_tensor_value_info("input", self.kind, (self.batch, *self.shape))
        target = helper.make_tensor_value_info(output or self.nodes[-1].output[0], self.kind, None)
        graph = helper.make_graph(self.nodes, "test", [source], [target], self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=ir_version)
        return onnx.shape_inference.infer_shapes(model, data_prop=True)

    def save(self, path, **fields):
        """Write the model; returns `path`."""
        onnx.save(self.model(**fields), path)
        return path


def onnx_output(path, images):
    """Return what onnxruntime gives for float `images` [N, ...], one at a time, its graph as it stands."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    source = session.get_inputs()[0].name
    return np.concatenate([session.run(None, {source: image[np.newaxis]})[0] for image in images])
