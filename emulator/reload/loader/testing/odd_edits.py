"""Edits of odd/ that show only in an answer: name, then file, old and new text of each change."""


def _edit(name: str, old: str, new: str):
    return (name, [("app.py", old, new)])


EDITS = [
    _edit("comment", '"""An app', '# none\n"""An app'),
    _edit("method of a text", '"!"', '"?"'),
    _edit("attribute of a text", "TAG.weight = 1", "TAG.weight = 2"),
    _edit("method of an enum of texts", '"color "', '"colour "'),
    _edit("property of an enum of numbers", '"low"', '"lower"'),
    _edit("method of a pattern", '"a+"', '"a+b"'),
    _edit("method of a dict", '{"key": 1}', '{"key": 2}'),
    _edit("method of a constant", '", ".join', '"; ".join'),
    _edit("set of tuples", '("a", 1)', '("a", 3)'),
    _edit("item of a large list", "list(range(1000))", "[1, *range(1, 1000)]"),
    _edit("value of a large dict", "str(number)", "str(number // 2)"),
    _edit("member of a large set", "set(LARGE)", "{*LARGE, -1}"),
    _edit("text in a large tree", '(number, "row")', '(number, "rows")'),
    _edit("numbers of a large tree become texts", "[[number, {", "[[str(number), {"),
    _edit("end of a large text", '1000 + "end"', '1000 + "End"'),
    _edit("end of large bytes", '1000 + b"end"', '1000 + b"End"'),
    _edit("list that a large list holds becomes a copy", "[PART, *(", "[[*PART], *("),
    _edit("copy of a list that a large list holds many times", "[(SHARED,), *((", "[([*SHARED],), *(("),
    _edit("first function in a registry by member", '"first kind"', '"another kind"'),
    _edit("last function in a registry by member", '"second kind"', '"another kind"'),
    _edit("first function in a registry by tuples and long texts", '"first parts"', '"other parts"'),
    _edit("last function in a registry by tuples and long texts", '"second parts"', '"other parts"'),
    _edit("docstring of a class", "Of a class.", "Of another class."),
    _edit("docstring of an inner function", "Within.", "Inside."),
    _edit("docstring of a tool that setup() has", "Finds.", "Finds more."),
    _edit("encoder in the configuration of a model", "EUR", "USD"),
    _edit("function in a branch that makes a random value", "-in a branch", "-in some branch"),
    _edit("function that stores a random value", "-in a call", "-in some call"),
    _edit("function in the place of which a request put another", '"calm"', '"calmer"'),
    _edit("class in the place of which a request put another", '"small"', '"smaller"'),
    _edit("property in a format of setup()", '"one size"', '"another size"'),
    _edit("value of an enum that is a tuple", "SMALL = (1, 2)", "SMALL = (1, 3)"),
    _edit("second name of a value of an enum", "TINY = (1, 2)", "TINY = (1, 4)"),
]
COMPUTED = [_edit("method that setup() calls by a computed name", '"loaded b"', '"loaded c"')]
