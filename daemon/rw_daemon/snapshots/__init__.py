"""Sources as taken for one deployment: walked, filtered, hashed, kept by content."""
