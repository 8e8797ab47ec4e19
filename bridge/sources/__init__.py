"""Where events come from: platforms, and the machinery that connects to them."""
