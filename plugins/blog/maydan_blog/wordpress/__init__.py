"""What WordPress exports (WXR), read and brought into a space.

Three steps that know nothing of each other's work: ``wxr`` reads the XML into ``records``; ``mapping``, with the help
of ``markup``, ``shortcodes`` and ``autop``, says what each record is in a blog of ours; ``importer`` writes that to the
space in the right order and keeps a ``ledger`` of it.
"""
