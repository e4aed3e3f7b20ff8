"""Events: whoever wants to know what happened reads the log here, each subscriber at its own pace.

``app`` adds subscribers (the dispatcher of plugins' ``observe`` hooks, later webhooks, audit, search) to one
``Subscriptions`` per worker and starts it. Each has a position in the log and a lease, so that of all workers one
hands it its events: in order, at least once, again when it fails, and at last to the dead letters.

Nothing is imported here: the supervisor reads the settings of this room, and must stay small.
"""
