"""Writing an ONNX graph node by node: values are known by their names, weights are numpy arrays.

Networks are written as two-dimensional ones of height 1, [B, C, 1, T], because that is the layout for which ONNX Runtime
has its fastest convolutions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from sda.errors import ModelError

Floats = NDArray[np.float32]
Attribute = int | float | list[int]

OPSET = 17
IR_VERSION = 8  # of opset 17's time, so that older runtimes read the graph


class Writer:
    """An ONNX graph in the making. Values are float32 unless said otherwise; a dimension may be a letter: dynamic."""

    def __init__(self, name: str, weights: Mapping[str, Floats]) -> None:
        self._name, self._weights = name, weights
        self._nodes: list[Any] = []
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []
        self._constants: dict[str, Any] = {}

    def weight(self, name: str, *shape: int) -> Floats:
        """A weight by its name. Raises `ModelError` where it is missing or of another shape."""
        found = self._weights.get(name)
        if found is None or found.shape != shape:
            what = "nothing" if found is None else f"the shape {list(found.shape)}"
            raise ModelError(f"{self._name}: expected {name} of the shape {list(shape)}, found {what}")
        return np.asarray(found, np.float32)

    def input(self, name: str, shape: Sequence[int | str]) -> str:
        """A value that the caller gives."""
        self._inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
        return name

    def output(self, name: str, value: str, shape: Sequence[int | str]) -> None:
        """Give a value to the caller as `name`."""
        self._nodes.append(helper.make_node("Identity", [value], [name]))
        self._outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))

    def floats(self, array: NDArray[Any]) -> str:
        """A constant of float32."""
        name = f"w{len(self._constants)}"
        self._constants[name] = numpy_helper.from_array(np.ascontiguousarray(array, np.float32), name)
        return name

    def ints(self, *values: int) -> str:
        """A constant vector of int64; equal ones are stored once."""
        name = "i" + "_".join(map(str, values))
        if name not in self._constants:
            self._constants[name] = numpy_helper.from_array(np.array(values, np.int64), name)
        return name

    def node(self, kind: str, inputs: Sequence[str], attributes: Mapping[str, Attribute] | None = None) -> str:
        """A node of one output; returns the output's name."""
        return self.nodes(kind, inputs, 1, attributes)[0]

    def nodes(
        self, kind: str, inputs: Sequence[str], outputs: int, attributes: Mapping[str, Attribute] | None = None
    ) -> list[str]:
        """A node of several outputs; returns their names."""
        names = [f"{kind}{len(self._nodes)}_{number}" for number in range(outputs)]
        node = helper.make_node(kind, list(inputs), names)
        node.attribute.extend(helper.make_attribute(key, value) for key, value in (attributes or {}).items())
        self._nodes.append(node)
        return names

    def conv(self, x: str, weight: NDArray[Any], bias: NDArray[Any], attributes: Mapping[str, Attribute] | None = None) -> str:
        """Convolution along T: x [B, C, 1, T], weight [O, C, K], bias [O] -> [B, O, 1, T']."""
        kernel = {"kernel_shape": [1, weight.shape[2]]}
        return self.node("Conv", [x, self.floats(weight[:, :, None]), self.floats(bias)], {**kernel, **(attributes or {})})

    def leaky(self, x: str, slope: float) -> str:
        """x where it is positive, slope * x where not."""
        return self.node("LeakyRelu", [x], {"alpha": slope})

    def slice(self, x: str, start: int, stop: int) -> str:
        """x [..., T] from `start` to `stop` in T."""
        return self.node("Slice", [x, self.ints(start), self.ints(stop), self.ints(-1)])

    def reshape(self, x: str, *shape: int) -> str:
        """0 keeps a dimension, -1 takes what is left."""
        return self.node("Reshape", [x, self.ints(*shape)])

    def to_bytes(self) -> bytes:
        """The serialised model."""
        graph = helper.make_graph(self._nodes, self._name, self._inputs, self._outputs, list(self._constants.values()))
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
        return bytes(model.SerializeToString())
