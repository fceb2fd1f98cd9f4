"""What the published `config.json` must say for its weights to fit the network here.

Its bytes are not pinned, so its meaning is checked: of all its entries only those that shape the network or its mel count.
"""

from __future__ import annotations

import json
from typing import Any

from sda.errors import WeightsError

MAX_BYTES = 65_536  # the published one has under 2 kB

ARCHITECTURE: dict[str, Any] = {  # BigVGAN-v2, 44.1 kHz, 128 bands, 512x, as published
    "sampling_rate": 44_100,  # Hz
    "num_mels": 128,
    "hop_size": 512,  # samples
    "n_fft": 2048,  # samples
    "win_size": 2048,  # samples
    "fmin": 0,  # Hz
    "fmax": None,  # half the sampling rate
    "resblock": "1",
    "upsample_rates": [8, 4, 2, 2, 2, 2],
    "upsample_kernel_sizes": [16, 8, 4, 4, 4, 4],
    "upsample_initial_channel": 1536,
    "resblock_kernel_sizes": [3, 7, 11],
    "resblock_dilation_sizes": [[1, 3, 5]] * 3,
    "activation": "snakebeta",
    "snake_logscale": True,
    "use_tanh_at_final": False,
    "use_bias_at_final": False,
}


def check_config(content: bytes, name: str) -> None:
    """Raise `WeightsError` where a configuration is none, or one of another network. `name` is what the message calls it."""
    if len(content) > MAX_BYTES:
        raise WeightsError(f"{name}: found {len(content)} bytes, expected a configuration below {MAX_BYTES}")
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise WeightsError(f"{name}: found no JSON, expected BigVGAN's configuration") from error
    if not isinstance(found, dict):
        raise WeightsError(f"{name}: found no JSON object, expected BigVGAN's configuration")
    for key, expected in ARCHITECTURE.items():
        if key not in found or found[key] != expected:
            there = json.dumps(found[key])[:60] if key in found else "nothing"
            raise WeightsError(f"{name}: {key}: found {there}, expected {json.dumps(expected)}; this is another network's")
