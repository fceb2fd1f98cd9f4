"""The wires: how controls look to OSC and MIDI."""
