"""Stores of versions.

protocols   what a catalogue, a store and a draft are
names       which names a data set or version may have
memory      an index in memory
sqlite      an index in a folder, one immutable file a version
redis       an index that several processes share
address     what the URL of a Redis says
connection  the few commands the index sends a Redis
"""
