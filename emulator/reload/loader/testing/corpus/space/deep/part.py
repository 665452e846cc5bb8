WORD = "deep"


def say(text):
    return f"{WORD}:{text}"
