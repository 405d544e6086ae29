"""What is said to be fine without the library is fine by the library."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from aqms import front_schema

VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-3, 9), st.sampled_from([0.5, 2.0, "", "a", "active", "둘"])),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("ab"), inner, max_size=2)),
    max_leaves=4,
)
TYPE = st.sampled_from(["string", "integer", "number", "array", "object", "boolean", "null"])
PROPERTY = st.recursive(
    st.fixed_dictionaries(
        {},
        optional={
            "type": st.one_of(TYPE, st.lists(TYPE, min_size=1, max_size=2, unique=True)),
            "enum": st.lists(VALUES, min_size=1, max_size=3),
            "const": VALUES,
            "minimum": st.integers(0, 3),
            "maximum": st.integers(2, 6),
            "minLength": st.integers(0, 2),
            "pattern": st.sampled_from(["^a", "e$"]),
            "description": st.just("words"),
        },
    ),
    lambda inner: st.builds(lambda schema, items: {**schema, "items": items}, inner, inner),
    max_leaves=3,
)
SCHEMA = st.fixed_dictionaries(
    {"properties": st.dictionaries(st.sampled_from("xyz"), PROPERTY, min_size=1)},
    optional={"required": st.just(["x"]), "type": st.sampled_from(["object", "array"])},
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(SCHEMA, st.dictionaries(st.sampled_from("xyz"), VALUES))
def test_problems_are_those_of_the_library(schema, fields):
    found = front_schema.problems([schema], fields)
    assert bool(found) == (not Draft202012Validator(schema).is_valid(fields))
    assert all(name in {"", *fields} for name, _ in found)


def test_each_schema_is_asked_and_each_field_named():
    schemas = [
        {"properties": {"a": {"type": "integer"}}},
        {"required": ["b"], "properties": {"c": {"enum": ["x"]}}},
        {},
    ]
    assert front_schema.problems(schemas, {"a": "one", "c": "y"}) == [
        ("", "front matter breaks its schema ('b' is a required property)"),
        ("a", "front matter breaks its schema (a: 'one' is not of type 'integer')"),
        ("c", "front matter breaks its schema (c: 'y' is not one of ['x'])"),
    ]
