"""One page about one certificate, for a reviewer who trusts nobody: what was claimed, what was found on checking it again, and how.

Untrusted, but for one thing: the word on the page is the kernel's, of a check that was made while the page was made.
"""
