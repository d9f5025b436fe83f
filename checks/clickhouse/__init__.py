"""ClickHouse: what keeps it from taking events in and showing them."""
