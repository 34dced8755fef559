"""The machine: cores, memory, devices, clocks, files, the terminal."""
