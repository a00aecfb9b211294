"""The laws of queues and parallel work: bounds, waiting times, scalability, and their predictions."""
