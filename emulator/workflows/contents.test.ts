import { describe, expect, it } from 'vitest';
import { adHocWorkflow, workflowContents } from './contents.ts';
import { rawContents } from './testing/contents.ts';

function messages(contents: unknown): readonly string[] {
  const checked = workflowContents.safeParse(contents);
  return checked.success ? [] : checked.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
}

describe('the contents of a workflow', () => {
  it('are returned unchanged, including unknown keys', () => {
    const contents = { ...rawContents({ a: [{ x: '$input.x' }] }, { y: '$a.y' }), metadata: { position: [1, 2] } };
    expect(workflowContents.parse(contents)).toEqual(contents);
  });

  it('may contain display nodes, which show the output of other nodes', () => {
    const { nodes, ...rest } = rawContents({ a: [{}] }, '$a');
    const shown = { ...nodes, d: { type: 'display', id: 'd', depends: ['a'], fields: ['$a.url'] } };
    expect(messages({ ...rest, nodes: shown })).toEqual([]);
  });

  it.each([
    [
      'a reference to no node',
      rawContents({ a: [{ x: '$b.y' }] }, {}),
      'nodes.a: "$b.y" refers to neither a node nor the input',
    ],
    ['an output from nowhere', rawContents({}, ['$gone']), 'output: "$gone" refers to neither a node nor the input'],
    [
      'a malformed reference',
      rawContents({ a: [{ x: '$input. ' }] }, {}),
      'nodes.a: "$input. " refers to neither a node nor the input',
    ],
    ['a dependency on nothing', rawContents({ a: [{}, 'b'] }, {}), 'nodes.a.depends: there is no node "b"'],
    ['a node that refers to itself', rawContents({ a: [{ x: '$a' }] }, {}), 'nodes.a: waits for itself'],
  ])('%s is refused', (_what, contents, message) => {
    expect(messages(contents)).toEqual([message]);
  });

  it('a cycle is refused, and the error names every node in it', () => {
    const contents = rawContents({ a: [{ x: '$b' }], b: [{}, 'c'], c: [{ x: '$a.y' }], free: [{}] }, {});
    expect(messages(contents)).toEqual([
      'nodes.a: waits for itself',
      'nodes.b: waits for itself',
      'nodes.c: waits for itself',
    ]);
  });

  it('excessive nesting is refused without recursion', () => {
    const deep = JSON.parse(`${'['.repeat(50_000)}${']'.repeat(50_000)}`);
    expect(messages(rawContents({ a: [{ deep }] }, {}))).toEqual([': A value is nested more than 100 levels deep.']);
  });
});

describe('an unpublished graph', () => {
  const run = { id: 'a', type: 'run', depends: ['input'], app: 'me/app', input: { x: '$input.x' } };
  const start = { id: 'input', type: 'input', depends: [], input: { x: 1 } };
  const shows = (id: string, fields: unknown) => ({ id, type: 'display', depends: ['a'], fields });

  it('returns the value of its display node `output`, or else of the last display node', () => {
    const parse = (workflow: object) => adHocWorkflow.parse({ input: { x: 2 }, workflow });
    const output = shows('output', { y: '$a.y' });
    expect(parse({ input: start, a: run, output, other: shows('other', '$a') })).toMatchObject({
      input: { x: 2 },
      contents: { nodes: { a: run, output }, output: { y: '$a.y' } },
    });
    expect(parse({ a: run, one: shows('one', '$a.x'), two: shows('two', '$a.y') }).contents.output).toBe('$a.y');
    expect(parse({ a: run }).contents.output).toBeNull();
  });

  it.each([
    ['nothing', { input: {} }, ['workflow']],
    ['a node of no type', { workflow: { a: { id: 'a' } } }, ['workflow', 'a', 'type']],
    ['a node of a type that is not known', { workflow: { a: { ...run, type: 'x' } } }, ['workflow', 'a', 'type']],
    ['a wrong reference', { workflow: { a: { ...run, input: '$b' } } }, ['workflow', 'a']],
  ])('%s is refused, with its place in the body', (_what, body, path) => {
    expect(adHocWorkflow.safeParse(body).error?.issues[0]?.path).toEqual(path);
  });
});
