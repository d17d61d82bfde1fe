"""Figures in one style, and names beside points."""
