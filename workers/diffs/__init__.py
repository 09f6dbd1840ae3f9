"""How a diff is read: its files with their names, its hunks with the lines of both sides."""
