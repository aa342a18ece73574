"""What the artist asks of dynamic prompts."""

from typing import Any, ClassVar, Literal

from pydantic import Field

from webui.plugins import InvalidRequest, RequestPart

# The most pictures of one run of all combinations.
MOST_PICTURES = 4000
# Arguments of the community's extension, in its order. What has no name here is not offered.
COMMUNITY_ORDER = (
    "enabled", "is_combinatorial", "combinatorial_batches", "magic prompt", "I'm feeling lucky",
    "attention grabber", "", "", "", "", "fixed_seed", "unlink_seed", "leave_negative_prompt",
    "Jinja2 templates",
    "", "max_pictures", "", "",
)  # fmt: skip
NOT_OFFERED = ("magic prompt", "I'm feeling lucky", "attention grabber", "Jinja2 templates")


class DynamicPrompts(RequestPart):
    """How templates in prompts are filled in. It is on where a request says nothing."""

    key: ClassVar[str] = "dynamic_prompts"
    title: ClassVar[str] = "Dynamic Prompts"
    about: ClassVar[str] = "Fills in {a|b} and __wildcards__. A prompt without them stays as it is."

    enabled: bool = Field(default=True, title="Dynamic Prompts enabled")
    way: Literal["Random", "Combinatorial"] = Field(
        default="Random", description="One draw for each picture, or a picture for every combination."
    )
    max_pictures: int = Field(
        default=0,
        ge=0,
        le=MOST_PICTURES,
        title="Max generations",
        description="Of all combinations, at most so many. 0: all of them.",
    )
    combinatorial_batches: int = Field(
        default=1, ge=1, le=64, description="How often all combinations are made, each time with other seeds."
    )
    fixed_seed: bool = Field(default=False, description="All pictures have the first one's seed.")
    unlink_seed: bool = Field(
        default=False,
        title="Unlink seed from prompt",
        description="Draw anew each time, not by the picture's seed.",
    )
    leave_negative_prompt: bool = Field(
        default=False,
        title="Don't apply to negative prompts",
    )
    write_template: bool = Field(
        default=False,
        title="Write prompt template",
        description="The infotext says what the prompt was before it was filled in.",
    )

    def to_infotext(self) -> dict[str, str]:
        """Nothing: the prompt in the infotext is filled in already."""
        return {}

    @classmethod
    def from_args(cls, args: list[Any]) -> "DynamicPrompts":
        """One object of our fields, or values in the order of the community's extension."""
        if len(args) == 1 and isinstance(args[0], dict):
            return super().from_args(args)
        if len(args) > len(COMMUNITY_ORDER):
            raise InvalidRequest(
                f"{cls.title}: there are {len(args)} arguments, but it takes at most {len(COMMUNITY_ORDER)}."
            )
        given = {name: value for name, value in zip(COMMUNITY_ORDER, args, strict=False) if name}
        for name in NOT_OFFERED:
            if given.pop(name, None):
                raise InvalidRequest(f"{cls.title}: there is no {name} here. Send false for it.")
        way = "Combinatorial" if given.pop("is_combinatorial", False) else "Random"
        return cls.read(given | {"way": way})
