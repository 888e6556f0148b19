"""How the models that ship are trained and judged.

Modules here are used by all; of the packages each may import those before it: data, codec, dialogue, judge.
"""
