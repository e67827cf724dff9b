"""What leaves: deliveries claimed, written out and recorded, and what could not be delivered."""
