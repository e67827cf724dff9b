"""The administrator's pages, on a listener of their own: how mail flows, what is stuck and why; no content, ever."""
