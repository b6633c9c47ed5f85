"""A seeded simulation of the pilot: chance acts, and WeChat's truth is held against the books."""
