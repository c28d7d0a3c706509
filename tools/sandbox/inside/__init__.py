"""What runs inside the isolation: standard library only, and nothing of the rest of Symposia."""
