"""Random faults between the outbox and a tracker, in simulated time."""
