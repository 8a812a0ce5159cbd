"""Peers measured in the same run as the hub: they echo one file and do nothing else."""
