import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { checkPython } from '../../emulator/local/checks/check.ts';
import { applied, planted, plantedFacts } from '../../emulator/local/checks/testing/planted.ts';
import { type Emulator, minifalCommand, startEmulator } from '../support/emulator.ts';
import { run } from '../support/process.ts';
import { createProject, lastJson, type Project } from '../support/project.ts';
import { pythonTools } from '../support/python.ts';

let emulator: Emulator;
let project: Project;

beforeAll(async () => {
  emulator = await startEmulator();
  project = await createProject(await pythonTools(), emulator, {});
});
afterAll(async () => {
  await project?.remove();
  await emulator?.stop();
});

const few = ['a machine type in lower case', '__init__', 'time.sleep next to something that is awaited'];
const fixable = planted.filter(({ what, fix }) => fix && (process.env.MINIFAL_SLOW || few.includes(what)));

it.each(fixable)('$what: after each quick fix, the app is deployed by the real fal command', async ({ source }) => {
  const fixes = checkPython(source, plantedFacts).flatMap((finding) => finding.fixes);
  expect(fixes).not.toEqual([]);
  for (const { edits } of fixes) {
    await writeFile(join(project.folder, 'app.py'), applied(source, edits));
    const deployed = lastJson(await project.mustFal('deploy', 'app.py::Planted', '--app-name', 'planted', '--json'));
    expect(deployed).toMatchObject({ status: 'deployed' });
  }
});

it('minifal check finds the same as the editor, and exits with 1', async () => {
  const [mistake] = planted;
  await writeFile(join(project.folder, 'app.py'), mistake?.source ?? '');
  const { code, stdout } = await run(process.execPath, [minifalCommand, 'check', '--json'], { cwd: project.folder });
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({ files: 1, findings: [{ file: 'app.py', code: mistake?.code }] });
});
