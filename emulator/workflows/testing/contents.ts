import { type WorkflowContents, workflowContents } from '../contents.ts';

/**
 * For tests: a workflow of run nodes, each `[input, …ids that it depends on without referring to them]`, all calling
 * `me/add`.
 */
export function testContents(
  nodes: { readonly [id: string]: readonly [input: unknown, ...depends: string[]] },
  output: unknown,
): WorkflowContents {
  return workflowContents.parse(rawContents(nodes, output));
}

/** The same contents, unchecked. */
export function rawContents(
  nodes: { readonly [id: string]: readonly [input: unknown, ...depends: string[]] },
  output: unknown,
) {
  return {
    name: 'flow',
    schema: { input: {}, output: {} },
    nodes: Object.fromEntries(
      Object.entries(nodes).map(([id, [input, ...depends]]) => [
        id,
        { type: 'run', id, depends, app: 'me/app/add', input },
      ]),
    ),
    output,
    version: '0.1',
  };
}
