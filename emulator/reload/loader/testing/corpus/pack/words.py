from . import kinds

GLUE = "-"


def join(*parts):
    return GLUE.join(parts) + kinds.Kind.ONE.value
