"""What the service does in how much time, always beside something to compare it with.

`python -m bench` runs every bench and writes docs/performance.md. A machine is never alone, so a
figure in seconds says little: what counts are ratios of two things measured in turn, in one run.
"""
