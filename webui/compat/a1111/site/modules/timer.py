"""Measuring what takes the time."""

import argparse
import time


class TimerSubcategory:
    """While in it, what is recorded belongs to a category."""

    def __init__(self, timer, category):
        self.timer = timer
        self.category = category
        self.start = 0.0
        self.original_base_category = timer.base_category

    def __enter__(self):
        self.start = time.time()
        self.timer.base_category = f"{self.original_base_category}{self.category}/"
        self.timer.subcategory_level += 1
        if self.timer.print_log:
            print(f"{'  ' * self.timer.subcategory_level}{self.category}:")
        return self

    def __exit__(self, exc_type, exc_val, exc_tb):
        took = time.time() - self.start
        self.timer.base_category = self.original_base_category
        self.timer.add_time_to_record(self.original_base_category + self.category, took)
        self.timer.subcategory_level -= 1
        self.timer.record(self.category, disable_log=True)


class Timer:
    """Seconds between calls of `record`, by names."""

    def __init__(self, print_log=False):
        self.print_log = print_log
        self.reset()

    def reset(self):
        self.start = time.time()
        self.records = {}
        self.total = 0
        self.base_category = ""
        self.subcategory_level = 0

    def elapsed(self):
        """Seconds since this was last asked."""
        now = time.time()
        took = now - self.start
        self.start = now
        return took

    def add_time_to_record(self, category, amount):
        self.records[category] = self.records.get(category, 0) + amount

    def record(self, category, extra_time=0, disable_log=False):
        took = self.elapsed()
        self.add_time_to_record(self.base_category + category, took + extra_time)
        self.total += took + extra_time
        if self.print_log and not disable_log:
            print(f"{'  ' * self.subcategory_level}{category}: done in {took + extra_time:.3f}s")

    def subcategory(self, name):
        self.elapsed()
        return TimerSubcategory(self, name)

    def summary(self):
        text = f"{self.total:.1f}s"
        long = [(name, took) for name, took in self.records.items() if took >= 0.1 and "/" not in name]
        if not long:
            return text
        return f"{text} ({', '.join(f'{name}: {took:.1f}s' for name, took in long)})"

    def dump(self):
        return {"total": self.total, "records": self.records}


parser = argparse.ArgumentParser(add_help=False)
parser.add_argument("--log-startup", action="store_true")
args = parser.parse_known_args([])[0]

startup_timer = Timer(print_log=args.log_startup)
startup_record = None
