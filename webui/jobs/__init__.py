"""The queue, the device thread and the log of events of each job."""
