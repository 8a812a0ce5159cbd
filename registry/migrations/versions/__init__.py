"""One file per step, named NNNN_what.py; revision is "NNNN" and down_revision the step before."""
