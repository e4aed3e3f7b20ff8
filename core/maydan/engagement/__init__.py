"""What people add to entries: comments (later reactions, ratings, counters).

``operations`` decides who may; this room keeps the rows, on any entry of a type that declares the engagement.
"""
