"""The demo: the whole group of processes on a virtual serial line with recorded minutes, faster than real time."""
