"""A bar on the console for all steps of a job; the page shows them here, so it only counts."""
# pyright: basic

from modules import shared


class TotalTQDM:
    def __init__(self):
        self._tqdm = None
        self.total = 0
        self.done = 0

    def reset(self):
        self.total = shared.state.job_count * shared.state.sampling_steps
        self.done = 0

    def update(self):
        self.done += 1

    def updateTotal(self, new_total):
        self.total = new_total

    def clear(self):
        self.total = self.done = 0
