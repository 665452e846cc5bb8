import { z } from 'zod';
import { parseReference, ReferenceProblem, referenceTexts } from './references.ts';

/**
 * The contents of a published workflow (docs/platform/rest.md#workflows; fal/workflows.py). Unknown keys are kept,
 * because the workflow is returned unchanged.
 */
const node = z.discriminatedUnion('type', [
  z.looseObject({
    type: z.literal('run'),
    id: z.string(),
    depends: z.array(z.string()),
    app: z.string().regex(/^[^/\s]+\/[^/\s]+(\/\S*)?$/, 'must be an endpoint id, owner/alias'),
    input: z.unknown(),
  }),
  z.looseObject({ type: z.literal('display'), id: z.string(), depends: z.array(z.string()), fields: z.unknown() }),
]);
export type WorkflowNode = z.output<typeof node>;

const maxNodes = 1000;
/** Checks only the shape; `workflowContents` also checks that the workflow can run. */
export const workflowShape = z.looseObject({
  name: z.string(),
  schema: z.looseObject({ input: z.unknown(), output: z.unknown() }),
  nodes: z.record(z.string(), node).refine((nodes) => Object.keys(nodes).length <= maxNodes, `at most ${maxNodes}`),
  output: z.unknown(),
  version: z.string(),
});
export type WorkflowContents = z.output<typeof workflowShape>;

/** Also checks that the workflow can run: every reference points to the input or a node, and there is no cycle. */
export const workflowContents = workflowShape.superRefine((contents, context) => {
  for (const { path, message } of problemsOf(contents)) context.addIssue({ code: 'custom', path: [...path], message });
});

const adHoc = z.looseObject({
  input: z.unknown().default({}),
  workflow: z.record(z.string(), z.looseObject({ type: z.string() })),
});

/**
 * The body of `workflows/execute` (fal's page "Custom workflow UI"): an unpublished graph and its input. In this format
 * the nodes are at the top level, the input is a node, too, and the result is the value of the display node `output`.
 * differs: if no display node has that name, the last display node is used.
 */
export const adHocWorkflow = adHoc.transform(({ input, workflow }, context) => {
  const nodes = Object.entries(workflow).filter(([, { type }]) => type !== 'input');
  const shown = workflow.output ?? nodes.findLast(([, { type }]) => type === 'display')?.[1];
  const checked = workflowContents.safeParse({
    name: 'execute',
    schema: { input: {}, output: {} },
    nodes: Object.fromEntries(nodes),
    output: shown?.fields ?? null,
    version: '0.1',
  });
  if (checked.success) return { input, contents: checked.data };
  for (const { path, message } of checked.error.issues) {
    const inside = path[0] === 'nodes' ? path.slice(1) : path;
    context.addIssue({ code: 'custom', path: ['workflow', ...inside], message });
  }
  return z.NEVER;
});

/**
 * IDs of the nodes that must complete before this one: its declared dependencies, and the nodes that its values refer
 * to.
 */
export function dependenciesOf(one: WorkflowNode): ReadonlySet<string> {
  const named = referenceTexts(contentOf(one)).flatMap((text) => parseReference(text)?.name ?? []);
  return new Set([...one.depends, ...named].filter((id) => id !== 'input'));
}

function contentOf(one: WorkflowNode): unknown {
  return one.type === 'run' ? one.input : one.fields;
}

interface Problem {
  readonly path: readonly string[];
  readonly message: string;
}

function problemsOf({ nodes, output }: WorkflowContents): readonly Problem[] {
  const known = new Map(Object.entries(nodes));
  try {
    const problems: Problem[] = [...wrongReferences(['output'], output, known)];
    for (const [id, one] of known) {
      if (one.id !== id) problems.push({ path: ['nodes', id, 'id'], message: 'differs from its key' });
      if (id === 'input') problems.push({ path: ['nodes', id], message: '`input` is the name of the input' });
      problems.push(...wrongReferences(['nodes', id], contentOf(one), known));
      for (const other of one.depends) {
        if (other === 'input' || known.has(other)) continue;
        problems.push({ path: ['nodes', id, 'depends'], message: `there is no node ${JSON.stringify(other)}` });
      }
    }
    return problems.length > 0 ? problems : cyclesIn(known);
  } catch (error) {
    if (error instanceof ReferenceProblem) return [{ path: [], message: error.message }];
    throw error;
  }
}

function wrongReferences(path: readonly string[], value: unknown, known: ReadonlyMap<string, unknown>): Problem[] {
  return referenceTexts(value).flatMap((text) => {
    const reference = parseReference(text);
    if (reference && (reference.name === 'input' || known.has(reference.name))) return [];
    return [{ path, message: `${JSON.stringify(text)} refers to neither a node nor the input` }];
  });
}

/**
 * Removes nodes without open dependencies until none are left to remove. The remaining nodes are in a cycle or depend
 * on one. Visits each dependency once.
 */
function cyclesIn(known: ReadonlyMap<string, WorkflowNode>): readonly Problem[] {
  const left = new Map<string, number>();
  const followers = new Map<string, string[]>();
  for (const [id, one] of known) {
    const needs = dependenciesOf(one);
    left.set(id, needs.size);
    for (const need of needs) {
      const waiting = followers.get(need) ?? [];
      waiting.push(id);
      followers.set(need, waiting);
    }
  }
  const free = [...left].flatMap(([id, needs]) => (needs === 0 ? [id] : []));
  for (let id = free.pop(); id !== undefined; id = free.pop()) {
    left.delete(id);
    for (const follower of followers.get(id) ?? []) {
      const needs = (left.get(follower) ?? 0) - 1;
      left.set(follower, needs);
      if (needs === 0) free.push(follower);
    }
  }
  return [...left.keys()].map((id) => ({ path: ['nodes', id], message: 'waits for itself' }));
}
