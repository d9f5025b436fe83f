"""Dead letters: events that PostHog could not process and put aside, in ClickHouse and in Kafka."""
