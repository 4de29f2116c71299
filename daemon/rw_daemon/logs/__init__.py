"""Lines of builds and apps: collected once, kept in segments, handed to readers that slow nobody."""
