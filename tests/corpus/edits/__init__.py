"""Code answers in four dialects, correct and damaged, each with the tree or the refusal that is expected."""
