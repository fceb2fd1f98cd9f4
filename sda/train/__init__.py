"""Learning: recordings in, weights and events out. Nothing here prints."""
