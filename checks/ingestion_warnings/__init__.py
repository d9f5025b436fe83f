"""Ingestion warnings: what PostHog itself notes about events."""
