"""Events and their projections: one writer, one transaction, published after the commit."""
