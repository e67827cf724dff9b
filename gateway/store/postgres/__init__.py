"""The port `Store` on PostgreSQL, for sites that one machine does not carry: any number of gateways serve from it."""
