"""Stock pybreaker beside our breakers: the facts of FIELD-NOTES §2 as eight processes see them, and the cost.

python -m ops.bench.breakers
"""
