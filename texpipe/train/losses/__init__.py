"""What training minimises, and the frozen networks whose features it compares."""
