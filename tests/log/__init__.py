"""Tests of the log: written once, in order, provably unchanged, and read again exactly."""
