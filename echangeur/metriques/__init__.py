"""The figures of a process for Prometheus, named after the vocabulary of the hub.

Cardinality, for each process. Operations are those of the contract and « autre » (about 40), channels 2,
verdicts 3: at most 240 counters of exchanges. Their durations, 40 by 2 by 13 series, are at most 1,040.
Attempts: 2 channels by 12 outcomes, and 13 series of durations for each channel. The rest is under 60 series.
So some 1,400 series at the very most, 150 in practice; no label is a guichet, a person or a demande.
"""
