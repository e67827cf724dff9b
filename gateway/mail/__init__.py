"""Octets to message values and back: reading, octet surgery on headers, and what we write ourselves.

Nothing here does I/O, and no exception leaves on any input: hostile mail comes out as an empty value, as `None` or as
`Malformed`, which a flow can still hold and deliver.
"""
