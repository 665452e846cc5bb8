from circle_a import last


def second(text):
    return "b" + last(text)
