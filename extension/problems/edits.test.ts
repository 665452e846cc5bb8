import { expect, it } from 'vitest';
import { afterEdit, type LineEdit } from './edits.ts';
import { findingOf } from './findings.ts';
import { exceptionRow, frame, workspaceOf } from './testing/rows.ts';

const workspace = workspaceOf({ '/a.py': '', '/b.py': '' });
const frames = [frame('/a.py', 3), frame('/b.py', 20), frame('/a.py', 10)];
const finding = findingOf(exceptionRow({ exception: { frames } }), workspace);
const edit = (change: Partial<LineEdit>): LineEdit => {
  return { file: '/a.py', line: 9, endLine: 9, added: 0, isAbove: false, isBelow: false, ...change };
};

it.each([
  ['in its line', {}, undefined],
  ['of lines around it', { line: 8, endLine: 10 }, undefined],
  ['in the line above', { line: 8, endLine: 8 }, 10],
  ['in the line below', { line: 10, endLine: 10, added: 5 }, 10],
  ['that inserts two lines above', { added: 2, isAbove: true }, 12],
  ['that inserts lines below', { added: 2, isBelow: true }, 10],
  ['that splits its line', { added: 1 }, undefined],
  ['that deletes two lines above', { line: 7, endLine: 9, isAbove: true }, 8],
  ['that joins the next line to it', { endLine: 10 }, undefined],
  ['in another file', { file: '/c.py' }, 10],
] as const)('after an edit %s, the problem is in line %s', (_, change, line) => {
  expect(finding && afterEdit(finding, edit(change))?.place.line).toBe(line);
});

it('callers move along, and an edited one stays', () => {
  const lines = (change: Partial<LineEdit>) =>
    finding && afterEdit(finding, edit(change))?.callers.map((caller) => caller.line);
  expect(lines({ file: '/b.py', line: 0, endLine: 0, added: 4 })).toEqual([24, 3]);
  expect(lines({ line: 2, endLine: 2, added: 1 })).toEqual([20, 3]);
});
