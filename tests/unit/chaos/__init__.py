"""The judge of fault runs, judged: each breach is reported, and a good history is not."""
