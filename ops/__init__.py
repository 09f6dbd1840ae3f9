"""What runs and guards the product from outside: house law, benchmarks, containers, decisions."""
