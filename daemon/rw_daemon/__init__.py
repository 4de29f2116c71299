"""The control daemon of rw: builds, runs and routes what `rw` asks for. Start it with `python -m rw_daemon`."""
