"""
What a module-level value is made of: the statements that bind or use its name, and those of the names in them. Two
imports of the same file can make different values (a random id); while these statements are the same, so is the value
as far as the developer is concerned.
"""

from __future__ import annotations

import ast

from . import code as codes

_MOST_STATEMENTS = 5000
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_MAIN = "__name__ == '__main__'"


class Slices:
    """Those of one version, made when they are asked for. `texts`: the sources of its modules, as described."""

    def __init__(self, texts: dict[str, str]):
        self._texts = {name: text.encode("latin-1") for name, text in texts.items()}
        self._everything = codes.digest(sorted(self._texts.items()))
        self._known: dict[str, dict[str, str]] = {}

    def of(self, module: str, name: str) -> str | None:
        """The digest of what the value under this name is made of; None: there is no such name."""
        if module not in self._texts:
            return None
        if module not in self._known:
            self._known[module] = slices_of(self._texts[module], set(self._texts), self._everything)
        return self._known[module].get(name)


def slices_of(text: bytes, modules: set[str], everything: str) -> dict[str, str]:
    """
    For each name that the module binds: a digest of all statements that its value depends on. What comes from one of
    the project's `modules` depends on `everything`, the digest of their texts.
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return {}
    if len(tree.body) > _MOST_STATEMENTS:
        return {}
    parts = [_Statement(statement) for statement in tree.body if not _is_main_only(statement)]
    imported = {name for part in parts if part.is_import for name in part.binds}
    run = _run_at_import(parts)
    using: dict[str, list[int]] = {}
    statements = []
    for number, part in enumerate(parts):
        more = everything if _imports(part.statement, modules) else ""
        statements.append((codes.digest(ast.dump(part.statement) + more), part.uses | part.later | part.binds))
        uses = part.uses
        if part.is_definition:
            # What it does when it is called counts if the module may call it. Nobody changes a library by using it.
            uses = (uses | part.later if part.binds & run else uses) - imported
        for name in part.binds | uses:
            using.setdefault(name, []).append(number)
    bound = {name for part in parts for name in part.binds}
    return {name: _digest(name, statements, using) for name in bound}


def _run_at_import(parts: list[_Statement]) -> set[str]:
    """Names that code uses while the module is imported: of definitions, those that it may call count in full."""
    found: set[str] = set()
    todo = {name for part in parts for name in part.uses}
    while todo:
        found |= todo
        called = (part for part in parts if part.is_definition and part.binds & todo)
        todo = {name for part in called for name in part.later} - found
    return found


def _digest(name: str, statements: list, using: dict[str, list[int]]) -> str:
    todo, known, found = [name], {name}, set()
    while todo:
        for number in using.get(todo.pop(), ()):
            if number not in found:
                found.add(number)
                more = statements[number][1] - known
                known |= more
                todo += more
    return codes.digest([statements[number][0] for number in sorted(found)])


class _Statement:
    """Names that a statement of a module binds there, that it uses at once, and those in bodies and annotations."""

    def __init__(self, statement: ast.stmt):
        self.statement = statement
        self.is_import = isinstance(statement, (ast.Import, ast.ImportFrom))
        self.is_definition = isinstance(statement, (*_FUNCTIONS, ast.ClassDef))
        self.binds: set[str] = set()
        self.uses: set[str] = set()
        self.later: set[str] = set()
        self._walk(statement, self.uses)
        if self.is_definition:
            self.binds = {statement.name}

    def _walk(self, node: ast.AST, used: set[str]) -> None:
        if isinstance(node, ast.Name):
            (used if isinstance(node.ctx, ast.Load) else self.binds).add(node.id)
        elif isinstance(node, ast.alias):
            self.binds.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, _FUNCTIONS):
            self.binds.add(node.name)
            for part in (*node.decorator_list, node.args):
                self._walk(part, used)
            if node.returns is not None:
                self._walk(node.returns, self.later)
            # The statements of an `if` may call what they define.
            for part in node.body:
                self._walk(part, self.later if self.is_definition else used)
            return
        for field in ("name", "rest"):
            # Of a class, an exception, or a pattern.
            if isinstance(getattr(node, field, None), str):
                self.binds.add(getattr(node, field))
        annotation = getattr(node, "annotation", None)
        for child in ast.iter_child_nodes(node):
            self._walk(child, self.later if child is annotation else used)


def _is_main_only(statement: ast.stmt) -> bool:
    """`if __name__ == "__main__":`, which nobody who imports the module runs."""
    return isinstance(statement, ast.If) and not statement.orelse and ast.unparse(statement.test) == _MAIN


def _imports(statement: ast.stmt, modules: set[str]) -> bool:
    """Whether the statement imports something of the project."""
    roots = {name.partition(".")[0] for name in modules}
    for node in ast.walk(statement):
        if isinstance(node, ast.Import) and any(alias.name.partition(".")[0] in roots for alias in node.names):
            return True
        if isinstance(node, ast.ImportFrom) and (node.level or (node.module or "").partition(".")[0] in roots):
            return True
    return False
