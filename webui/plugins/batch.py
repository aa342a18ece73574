"""A batch: the pictures that are sampled together."""

from dataclasses import dataclass, replace

from webui.core.request import GenerationRequest
from webui.core.run_plan import PlannedPicture, RunPlan


@dataclass(frozen=True, slots=True)
class Batch:
    """Pictures `first` … of the run, made together. The request's batch size is how many they are.

    `number` counts the batches of the run, as the request cuts it. Parts of one batch, sampled one after the
    other because their networks differ, have the same number.
    """

    number: int
    request: GenerationRequest
    first: int
    is_second_pass: bool = False

    @classmethod
    def of(cls, number: int, request: GenerationRequest) -> "Batch":
        """Batch `number` of a run. The last one of a plan may be smaller."""
        first = number * request.batch_size
        return cls(number, request, first).part(0, min(request.batch_size, request.count - first))

    def part(self, start: int, stop: int) -> "Batch":
        """Some of the pictures, by their places in this batch."""
        changes = {"batch_size": stop - start}
        is_all = stop - start == self.request.batch_size
        request = self.request if is_all else self.request.model_copy(update=changes)
        return replace(self, request=request, first=self.first + start)

    @property
    def indexes(self) -> range:
        """Places of its pictures in the whole run."""
        return range(self.first, self.first + self.request.batch_size)

    @property
    def pictures(self) -> tuple[PlannedPicture, ...]:
        """What each of them is made from."""
        return tuple(self.request.picture(index) for index in self.indexes)

    @property
    def seeds(self) -> list[int]:
        """One seed a picture."""
        return [self.request.seed_of(index) for index in self.indexes]

    def with_pictures(self, pictures: tuple[PlannedPicture, ...]) -> "Batch":
        """The same batch, its pictures made from other texts and seeds. As many as before."""
        if pictures == self.pictures:
            return self
        assert len(pictures) == self.request.batch_size, "a batch keeps its size"
        planned = list(self.request.plan_pictures().pictures)
        planned[self.first : self.first + len(pictures)] = pictures
        request = self.request.model_copy(update={"plan": RunPlan(pictures=tuple(planned))})
        return replace(self, request=request)

    def of_pictures(self, pictures: tuple[PlannedPicture, ...]) -> "Batch":
        """The batch made of other pictures, more or fewer; those of later batches stay where they are."""
        planned = list(self.request.plan_pictures().pictures)
        planned[self.first : self.first + self.request.batch_size] = pictures
        changes = {"plan": RunPlan(pictures=tuple(planned)), "batch_size": len(pictures)}
        return replace(self, request=self.request.model_copy(update=changes))

    def passed(self, request: GenerationRequest) -> "Batch":
        """The same pictures in the second pass of hires fix."""
        return replace(self, request=request, is_second_pass=True)

    def alone(self, place: int) -> tuple[GenerationRequest, int]:
        """The request that a picture's infotext is written from, and the picture's index in it."""
        if self.request.plan is None:
            return self.request, self.first + place
        return self.request.only(self.first + place), 0
