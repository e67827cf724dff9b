"""The web pages: where the invited register, the registered read and answer, and senders see whom they wait for."""
