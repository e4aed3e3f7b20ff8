"""The ``maydan`` command, what an operator types: it wires settings to operations and owns the processes."""
