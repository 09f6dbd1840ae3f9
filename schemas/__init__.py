"""The vocabulary: frozen values that every part speaks. Imports nobody of ours."""
