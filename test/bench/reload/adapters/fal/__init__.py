"""As much of the SDK as the corpus needs, without its server."""


class App:
    def __init_subclass__(cls, **options):
        super().__init_subclass__()


def endpoint(path):
    def mark(function):
        function.path = path
        return function

    return mark
