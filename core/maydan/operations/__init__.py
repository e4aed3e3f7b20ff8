"""One function per verb: policy, rules, hooks, store and event in that order, once, for HTTP, commands, importers,
jobs and plugins alike.
"""
