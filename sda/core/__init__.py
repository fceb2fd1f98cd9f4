"""The signal path and its mathematics. Pure: no files, threads, clocks, devices, prints or global random state."""
