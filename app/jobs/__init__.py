"""Time as a door: jobs that run because it is time, each recorded, each safe to run again."""
