"""What ``make bench`` runs: real servers, a load generator and, in the same minutes, a bare handler to compare with.

``__main__`` runs the plan, ``instance`` and ``bare`` start servers, ``content`` fills them, ``load`` drives them,
``rows`` says what is measured and what it should be, ``report`` prints the table and writes ``docs/benchmarks.md``.
"""
