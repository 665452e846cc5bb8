import { describe, expect, it } from 'vitest';
import { failureIn } from '../target/error-codes.ts';
import { diagnose, lastLine, plain, problemOfFailure } from './diagnose.ts';

describe('an error in the output of a program', () => {
  it.each([
    ["ENOSPC: no space left on device, mkdir '/x'", 'no space left', 'chooseDataFolder'],
    ['ERROR: [Errno 28] No space left on device', 'no space left', 'chooseDataFolder'],
    ['SqliteError: database or disk is full', 'no space left', 'chooseDataFolder'],
    [
      '✘ uv could not be installed with /usr/bin/python3. Install uv. (UV_NOT_INSTALLED)',
      'uv, which builds environments',
      'howToInstallUv',
    ],
    [
      'Point to a uv. \u001b[1m(\u001b[0mUV_UNUSABLE\u001b[1m)\u001b[0m',
      'uv, which builds environments',
      'howToInstallUv',
    ],
    ['No Python was found. (PYTHON_MISSING)', 'uv, which builds environments', 'howToInstallUv'],
    ['Install Python. (PYTHON_UNAVAILABLE 3.12)', 'needs Python 3.12', 'choosePython'],
    ['Install Python. (PYTHON_UNAVAILABLE\n3.10 to\n3.12)', 'needs Python 3.10 to 3.12', 'choosePython'],
    ['The data folder is full. (DISK_FULL)', 'no space left', 'chooseDataFolder'],
    ['Set it (CUDA_HOME).\nInstall Python. (PYTHON_UNAVAILABLE 3.12)', 'needs Python 3.12', 'choosePython'],
    ["Error: Cannot find module 'node:sqlite'", 'Node.js 22.13', 'howToInstallNode'],
  ])('is recognised in %j', (output, sentence, fix) => {
    expect(diagnose(output)).toMatchObject({ message: expect.stringContaining(sentence), fix });
  });

  it.each([
    ['PORT_IN_USE', 'Port 4710 is already in use.', 'useFreePorts'],
    ['DISK_FULL', 'There is no space left on the disk.', 'chooseDataFolder'],
    ['PORT_NOT_PERMITTED', "You don't have permission to open port 80 on ::1.", 'useFreePorts'],
    ['DATA_FOLDER_UNUSABLE', 'The data folder /x/y cannot be created: EACCES.', 'chooseDataFolder'],
    ['OWNED_BY_OTHER_USER', '/x belongs to root.', 'chooseDataFolder'],
    ['UV_NOT_INSTALLED', 'uv could not be installed.', 'howToInstallUv'],
  ])('with the code %s has a fix, and keeps its own message', (code, message, fix) => {
    expect(problemOfFailure({ code, message, next: 'Next.' })).toMatchObject({ message, fix });
  });

  it('is shown with its next step if no fix is known', () => {
    const failure = failureIn('Note: x\n{"error":{"code":"DATABASE_NEWER","message":"Newer.","next":"Update."}}\n');
    expect(failure && problemOfFailure(failure)).toMatchObject({
      message: 'The emulator did not start: Newer. Update.',
      fix: undefined,
    });
    expect(failureIn('{"error": 1}\n{"error":2}\nminifal: x')).toBeUndefined();
  });

  it('is not guessed', () => {
    expect(diagnose('ValueError: the app is broken (SOME_CONSTANT)')).toBeUndefined();
    expect(diagnose('The bucket is not yours (ACCESS_DENIED), or (PORT_IN_USE)')).toBeUndefined();
  });

  it('is otherwise the last line of the output, without colours and frames', () => {
    expect(lastLine('one\n\u001b[31mFalServerlessException:\u001b[0m no such app\r\n╰───╯\n\n')).toBe(
      'FalServerlessException: no such app',
    );
    expect(lastLine(' \n')).toBeUndefined();
  });

  it('is shown without escape sequences', () => {
    expect(plain('\u001b]8;;https://x\u0007link\u001b]8;;\u001b\\ \u001b[1;2Hok\u001b[?25l')).toBe('link ok');
  });
});
