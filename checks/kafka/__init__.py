"""Kafka: its brokers, its topics, and how far its consumer groups are behind."""
