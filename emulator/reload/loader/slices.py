"""
What a module-level value is made of: the statements that bind or use its name, and those of the names in them. Two
imports of the same file can make different values (a random id); while these statements are the same, so is the value
as far as the developer is concerned.
"""

from __future__ import annotations

import ast

from . import code as codes

_MOST_STATEMENTS = 5000


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
    statements = []
    using: dict[str, list[int]] = {}
    bound: set[str] = set()
    for number, statement in enumerate(tree.body):
        names, binds = _names(statement)
        more = everything if _imports(statement, modules) else ""
        statements.append((codes.digest(ast.dump(statement) + more), names | binds))
        bound |= binds
        is_definition = isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        # A definition only uses names later, when it is called.
        for name in binds if is_definition else names | binds:
            using.setdefault(name, []).append(number)
    return {name: _digest(name, statements, using) for name in bound}


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


def _names(statement: ast.stmt) -> tuple[set[str], set[str]]:
    """Names that the statement uses, and that it binds at module level."""
    used: set[str] = set()
    binds: set[str] = set()
    for node in ast.walk(statement):
        if isinstance(node, ast.Name):
            (used if isinstance(node.ctx, ast.Load) else binds).add(node.id)
        elif isinstance(node, ast.alias):
            binds.add((node.asname or node.name).partition(".")[0])
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return used, {statement.name}
    return used, binds


def _imports(statement: ast.stmt, modules: set[str]) -> bool:
    """Whether the statement imports something of the project."""
    roots = {name.partition(".")[0] for name in modules}
    for node in ast.walk(statement):
        if isinstance(node, ast.Import) and any(alias.name.partition(".")[0] in roots for alias in node.names):
            return True
        if isinstance(node, ast.ImportFrom) and (node.level or (node.module or "").partition(".")[0] in roots):
            return True
    return False
