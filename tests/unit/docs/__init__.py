"""Tests of the pages made from the code."""
