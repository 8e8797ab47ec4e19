"""A simulated live room, and the demonstration built on it."""
