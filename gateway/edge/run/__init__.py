"""What runs beside the listeners: the clock, timed work, logs, figures, the processes."""
