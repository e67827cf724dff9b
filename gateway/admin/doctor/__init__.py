"""`gateway doctor`: what of a damaged gateway is whole, what is lost, and for whom."""
