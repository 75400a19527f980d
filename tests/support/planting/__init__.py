"""Faults, by name, for somebody else to find: the parts of e2e/plant_faults.py."""

FAULTS = {}


def fault(function):
    FAULTS[function.__name__] = function
    return function
