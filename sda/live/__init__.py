"""The running instrument: one file a process, and what connects them."""
