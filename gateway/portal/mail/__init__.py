"""Reading and writing secure messages: the inbox, one message, its files, answers."""
