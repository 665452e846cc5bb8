import { describe, expect, it } from 'vitest';
import { diagnose, lastWords, plain } from './diagnose.ts';

describe('what a program complains about', () => {
  it.each([
    ['minifal: Port 4710 on 127.0.0.1 is already in use.\nStop the program', 'Port 4710 is taken', 'useFreePorts'],
    ['minifal: Port 80 on ::1 may not be opened by this user.', 'Port 80 may not', 'useFreePorts'],
    ["ENOSPC: no space left on device, mkdir '/x'", 'no space left', 'chooseDataFolder'],
    ['ERROR: [Errno 28] No space left on device', 'no space left', 'chooseDataFolder'],
    ['SqliteError: database or disk is full', 'no space left', 'chooseDataFolder'],
    ['The data folder /x/y cannot be made: EACCES.', '/x/y cannot be made', 'chooseDataFolder'],
    ['uv could not be installed with /usr/bin/python3: no pip', 'uv is needed', 'howToInstallUv'],
    ['No Python of version 3.10 or newer was found, and uv is not installed.', 'uv is needed', 'howToInstallUv'],
    ['Python 3.12 is not available on this machine. Found', 'needs Python 3.12', 'choosePython'],
    ["Error: Cannot find module 'node:sqlite'", 'Node.js 22.13', 'howToInstallNode'],
  ])('is known in %j', (output, sentence, fix) => {
    expect(diagnose(output)).toMatchObject({ message: expect.stringContaining(sentence), fix });
  });

  it('is not guessed', () => {
    expect(diagnose('ValueError: the app is broken')).toBeUndefined();
  });

  it('is else what it said last, without colours and frames', () => {
    expect(lastWords('one\n\u001b[31mFalServerlessException:\u001b[0m no such app\r\n╰───╯\n\n')).toBe(
      'FalServerlessException: no such app',
    );
    expect(lastWords(' \n')).toBeUndefined();
  });

  it('has its escape sequences taken out', () => {
    expect(plain('\u001b]8;;https://x\u0007link\u001b]8;;\u001b\\ \u001b[1;2Hok\u001b[?25l')).toBe('link ok');
  });
});
