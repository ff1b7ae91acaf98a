"""The demo: the whole group of processes on a virtual serial line that plays recorded minutes, faster than life."""
