"""ONNX Runtime on the CPU, apart from what writes graphs: whoever has a graph need not load that."""

from __future__ import annotations

import onnxruntime


def session(graph: bytes, threads: int = 1) -> onnxruntime.InferenceSession:
    """An ONNX Runtime session on the CPU that never spins while it waits."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3  # errors; optimizers' remarks are not for musicians
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
