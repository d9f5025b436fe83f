"""Events in ClickHouse: whether they arrive, when, and dated so that people see them."""
