"""One suite for every wire: the same scenes, the same meaning, the same money."""
