"""The panel: a Dear PyGui window on a running engine, which it knows over the wire alone (`mirror`)."""
