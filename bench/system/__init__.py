"""What the machine gives: cores, memory, devices, clocks, files, the terminal."""
