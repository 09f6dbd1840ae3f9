"""The scripted answers: what a prompt of the worker's is answered with, without any model."""
