import { describe, expect, it } from 'vitest';
import { workflowContents } from './contents.ts';
import { rawContents } from './test-workflow.ts';

function messages(contents: unknown): readonly string[] {
  const checked = workflowContents.safeParse(contents);
  return checked.success ? [] : checked.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
}

describe('the contents of a workflow', () => {
  it('are echoed as they came, with keys that we do not know', () => {
    const contents = { ...rawContents({ a: [{ x: '$input.x' }] }, { y: '$a.y' }), metadata: { position: [1, 2] } };
    expect(workflowContents.parse(contents)).toEqual(contents);
  });

  it('may hold display nodes, which show what other nodes made', () => {
    const { nodes, ...rest } = rawContents({ a: [{}] }, '$a');
    const shown = { ...nodes, d: { type: 'display', id: 'd', depends: ['a'], fields: ['$a.url'] } };
    expect(messages({ ...rest, nodes: shown })).toEqual([]);
  });

  it.each([
    [
      'a reference to no node',
      rawContents({ a: [{ x: '$b.y' }] }, {}),
      'nodes.a: "$b.y" refers to no node and not to the input',
    ],
    ['an output from nowhere', rawContents({}, ['$gone']), 'output: "$gone" refers to no node and not to the input'],
    [
      'a malformed reference',
      rawContents({ a: [{ x: '$input. ' }] }, {}),
      'nodes.a: "$input. " refers to no node and not to the input',
    ],
    ['a dependency on nothing', rawContents({ a: [{}, 'b'] }, {}), 'nodes.a.depends: there is no node "b"'],
    ['a node that refers to itself', rawContents({ a: [{ x: '$a' }] }, {}), 'nodes.a: waits for itself'],
  ])('%s is refused', (_what, contents, message) => {
    expect(messages(contents)).toEqual([message]);
  });

  it('a circle is refused, and everything in it is named', () => {
    const contents = rawContents({ a: [{ x: '$b' }], b: [{}, 'c'], c: [{ x: '$a.y' }], free: [{}] }, {});
    expect(messages(contents)).toEqual([
      'nodes.a: waits for itself',
      'nodes.b: waits for itself',
      'nodes.c: waits for itself',
    ]);
  });

  it('nesting without end is refused, not followed', () => {
    const deep = JSON.parse(`${'['.repeat(50_000)}${']'.repeat(50_000)}`);
    expect(messages(rawContents({ a: [{ deep }] }, {}))).toEqual([': A value is nested more than 100 deep.']);
  });
});
