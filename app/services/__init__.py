"""Use cases: one verb each, as the counter clerk would say it.

A service opens its own transactions, and never one around a network call: a payment is three
paragraphs - save the intent, call WeChat, save the outcome.
"""
