"""Wire formats that more than one reader may need: pure, bounded."""
