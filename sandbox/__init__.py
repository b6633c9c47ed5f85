"""The WeChat that runs on this machine: its own keys, its own books, protocol-true.

The backend and this package meet on HTTP only; neither imports the other.
"""
