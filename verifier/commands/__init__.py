"""The subcommands of `verifier`, one module each.

Every module has `add_parser(subparsers)`, which declares its arguments and calls `set_defaults(run=run)`, and
`run(args) -> int`, which returns the exit code.  `verifier.cli.COMMANDS` is the table of them.
"""
