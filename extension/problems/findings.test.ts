import { describe, expect, it } from 'vitest';
import { commandFinding, findingOf } from './findings.ts';
import { exceptionRow, frame, workspaceOf } from './testing/rows.ts';

const files = {
  '/work/app.py': 'import fal\nimport helper\n\nclass A(fal.App):\n    requirements = ["nope==1", "torch"]\n',
  '/work/helper.py': 'def pick(x):\n    return x["style"]\n',
  '/work/pyproject.toml': '[tool.fal.apps.a]\nrequirements = [\n  "only-toml==2",\n]\n',
};
const workspace = workspaceOf(files, [
  { path: '/work/app.py', aliases: ['hello'], project: '/work/pyproject.toml' },
  { path: '/work/helper.py', aliases: ['other'] },
]);

describe('the finding of an exception', () => {
  it('is at the innermost frame of the workspace, with its callers, the nearest first', () => {
    const request = { number: 38, id: 'q-38', kind: 'queue' as const, method: 'POST', path: '/' };
    const frames = [
      frame('/work/app.py', 4, 'A.run'),
      frame('/home/me/lib.py', 9, 'lib'),
      frame('/work/app.py', 2, 'middle'),
      frame('/work/helper.py', 2, 'pick'),
      frame('/home/me/inner.py', 3, 'inner'),
    ];
    expect(findingOf(exceptionRow({ request, exception: { frames } }), workspace)).toMatchObject({
      id: 'hello start@1000',
      place: { file: '/work/helper.py', line: 2 },
      text: '    return x["style"]',
      message: "KeyError: 'style'",
      source: 'request #38',
      callers: [
        { file: '/work/app.py', line: 2, text: 'called from middle' },
        { file: '/work/app.py', line: 4, text: 'called from A.run' },
      ],
      files: ['/work/helper.py', '/work/app.py'],
    });
  });

  it('does not exist without a line of the workspace', () => {
    const frames = [frame('/home/me/lib.py', 9), frame('/work/app.py', 0)];
    expect(findingOf(exceptionRow({ exception: { frames } }), workspace)).toBeUndefined();
  });

  it.each([
    ["No module named 'helper'", { file: '/work/app.py', line: 2 }],
    ["No module named 'gone'", undefined],
  ])('of a module that is missing in the runner is at its import: %s', (message, place) => {
    const exception = { type: 'ModuleNotFoundError', message, phase: 'import' as const };
    expect(findingOf(exceptionRow({ exception }), workspace)?.place).toEqual(place);
  });

  it.each([
    ['hello', 'nope==1', { file: '/work/app.py', line: 5 }],
    ['hello', 'only-toml==2', { file: '/work/pyproject.toml', line: 3 }],
    // A build of `fal run` or of a first deploy has no name yet.
    ['', 'nope==1', { file: '/work/app.py', line: 5 }],
    ['other', 'nope==1', undefined],
  ])('of a requirement is where the code names it (%s, %s)', (alias, requirement, place) => {
    const message = "Failure during 'uv pip install': Because nope was not found in the package registry and …";
    const exception = { type: 'RequirementError', message, phase: 'build' as const, requirement };
    const finding = findingOf(exceptionRow({ alias, exception }), workspace);
    expect(finding?.place).toEqual(place);
    if (finding) expect(finding).toMatchObject({ message: 'nope is not in the package index.', source: 'build' });
  });

  it('says that the line may be wrong if the file was changed after the code was loaded', () => {
    const runner = { id: 'r', number: 2, startedAt: 500 };
    const row = exceptionRow({ runner, exception: { frames: [frame('/work/app.py', 1)] } });
    const messageAt = (changedAt: number) => findingOf(row, workspaceOf(files, [], changedAt))?.message;
    expect([messageAt(499), messageAt(501)]).toEqual([
      "KeyError: 'style'",
      "KeyError: 'style' (the file has changed since runner 2 started)",
    ]);
  });

  it('has a message of limited length', () => {
    const exception = { message: 'x'.repeat(5_000), frames: [frame('/work/app.py', 1)] };
    expect(findingOf(exceptionRow({ exception }), workspace)?.message.length).toBe(1_000);
  });
});

it('a failed command has its line only in the workspace', () => {
  const failed = { command: 'run', key: 'k', file: '/work/app.py', at: 1, reason: 'why (app.py:1)' } as const;
  const place = { file: '/work/helper.py', line: 1 };
  expect(commandFinding({ ...failed, place }, workspace)).toMatchObject({
    place,
    message: 'why',
    source: 'run',
    files: ['/work/helper.py', '/work/app.py'],
  });
  expect(commandFinding({ ...failed, place: { file: '/else/x.py', line: 1 } }, workspace)).toBeUndefined();
});
