"""The sub-commands, one module each. A module declares its typer group or registers its commands; what it
does is in the folder that knows how, never here.
"""
