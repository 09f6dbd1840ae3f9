"""The way of a task, one step a file; each file's one public function has the file's name."""
