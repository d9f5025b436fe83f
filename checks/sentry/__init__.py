"""Sentry: errors of ingestion."""
