"""Serving pages: who asks through which proxy, connections and their limits, uvicorn."""
