"""One function per verb: policy, rules, hooks, store and event, in that order.

HTTP, commands, importers, jobs and plugins all come here, so that each rule is kept in one place.
"""
