"""What waits to be reported: policy, memory, disk."""
