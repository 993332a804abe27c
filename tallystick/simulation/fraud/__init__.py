"""Fraud in the simulated bank, and what resembles it.

Here: who commits it and when, the bookings and the use of telephones it leaves among everybody else's, what the bank
finds out and when, and people who do the same for a good reason. Not here: anything that looks for fraud.
"""
