"""The vendors' HTTP formats, one a file; each knows the seam (`orchestrator.simulator.wire`) and no other."""
