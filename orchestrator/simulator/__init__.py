"""A stand-in for AI vendors that speaks their wires over real HTTP, and keeps its own bill and journal.

Its answers are scripted and say so in their first sentence. It shares no price, no arithmetic and no clock
with the rest of the product, so that its bill is an independent witness of what calls cost.
"""
