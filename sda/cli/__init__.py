"""The command `sda-engine`: one thin file a command."""
