"""The database and the sealing of what lies in it: the only room that knows peewee."""
