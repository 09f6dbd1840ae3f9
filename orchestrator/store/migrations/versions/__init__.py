"""One file a revision; a landed revision is never edited."""
