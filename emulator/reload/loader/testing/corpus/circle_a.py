def last(text):
    return text + "z"


from circle_b import second  # noqa: E402


def first(text):
    return "a" + second(text)
