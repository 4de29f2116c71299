"""One module for each kind of project; none knows another."""
