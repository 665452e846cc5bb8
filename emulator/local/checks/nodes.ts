import type { SyntaxNode } from '@lezer/common';

/** A node and all below it, in source order; not inside nodes for which `enters` is false. */
export function* nodesIn(
  node: SyntaxNode,
  enters: (inner: SyntaxNode) => boolean = () => true,
): Generator<SyntaxNode, void> {
  let at = node;
  let depth = 0;
  for (;;) {
    yield at;
    const down = depth === 0 || enters(at) ? at.firstChild : null;
    if (down) {
      at = down;
      depth++;
      continue;
    }
    while (depth > 0 && !at.nextSibling) {
      at = at.parent ?? node;
      depth--;
    }
    const next = at.nextSibling;
    if (depth === 0 || !next) return;
    at = next;
  }
}

/** Function definitions and lambdas in a body run later, and perhaps in a thread. */
export function runsLater({ name }: SyntaxNode): boolean {
  return name === 'FunctionDefinition' || name === 'LambdaExpression' || name === 'ClassDefinition';
}
