"""The pages, a module for each family: their lines of the table (`PAGES`) and their handlers.

A handler reads what it shows through the folders below, within `Vue.perimetre`, and hands plain values to its
template. docs/console.md tells how to add one.
"""
