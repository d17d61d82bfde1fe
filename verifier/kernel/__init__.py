"""The trusted checker.  Standard library and mpmath only; nothing else of this package may be imported here."""
