"""The scripts, the bill, the journal and the rules, without a network."""
