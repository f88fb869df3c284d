"""What a search finds beside shipped recipes and one width in all layers."""
