"""One use case a file: functions (context, input) -> result, synchronous, one transaction each."""
