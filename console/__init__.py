"""The web console: what guichets, gestionnaires, operators and auditors see and do, in French.

A page is a line of the table of pages (console.table): its address, who may see it and of whose data, whether
it shows nominative data, what is logged. Routing, menu, access check and docs/console-droits.md are all made
from that table, so that no page exists without its right. docs/console.md says how to add one.

May live here: pages, their templates, sessions and accounts. What a page shows or does is decided by the
folders below; nothing here knows a rule of the registry.
"""
