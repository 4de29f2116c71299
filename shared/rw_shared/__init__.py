"""What both processes of rw speak: models, errors, events, paths, railway.toml. No I/O."""
