"""Mutants: the product with one protection taken out, which the checker must notice.

A mutant is a copy of the tree with a few lines replaced. Each plays a scene of seconds that the whole
product, played as a control, comes through without a breach.
"""
