import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { testFolder } from '../../store/testing/folder.ts';
import { optionsOf, parseCommandLine } from './arguments.ts';

const options = (...argv: readonly string[]) => optionsOf(parseCommandLine(argv).values);

describe('the options of the command', () => {
  it('are the defaults of each command when none is given', () => {
    expect(parseCommandLine(['start']).positionals).toEqual(['start']);
    expect(options()).toEqual({
      port: undefined,
      data: undefined,
      format: undefined,
      allowedOrigins: [],
      retentionDays: undefined,
      timeScale: 1,
      maxRunners: undefined,
      gpuSlots: undefined,
      gpuMapping: undefined,
      gpuSharing: false,
      gpus: undefined,
      machineLimits: undefined,
      isolation: undefined,
      shared: [],
      huggingFace: undefined,
      allowOutside: false,
      json: false,
      print: false,
      keychain: false,
    });
  });

  it.each([
    [['--port', '0'], { port: 0 }],
    [['--retention-days=7'], { retentionDays: 7 }],
    [['--time-scale', '2.5'], { timeScale: 2.5 }],
    [['--max-runners', '16', '--gpu-slots', '1'], { maxRunners: 16, gpuSlots: 1 }],
    [['--gpu-sharing'], { gpuSharing: true }],
    [['--gpus', 'L40'], { gpus: [{ uuid: 'VIRTUAL-0', index: 0, name: 'L40', memoryMib: 49152, virtual: true }] }],
    [['--machine-limits', 'enforce'], { machineLimits: 'enforce' }],
    [['--isolation', 'disk', '--hugging-face', 'read'], { isolation: 'disk', huggingFace: 'read' }],
    [
      ['--allow-origin', 'http://localhost:3000', '--allow-origin', 'https://a.example'],
      { allowedOrigins: ['http://localhost:3000', 'https://a.example'] },
    ],
    [['--json', '--keychain', '--allow-outside'], { json: true, keychain: true, allowOutside: true }],
  ])('are read: %j', (argv, expected) => {
    expect(options(...argv)).toMatchObject(expected);
  });

  it.each([
    ['--port', '65533'],
    ['--port', 'http'],
    ['--port', '1.5'],
    ['--retention-days', '0'],
    ['--time-scale', '0.5'],
    ['--time-scale', '1001'],
    ['--time-scale', '1e2'],
    ['--max-runners', '0'],
    ['--gpu-slots', 'all'],
    ['--gpus', 'two'],
    ['--machine-limits', 'on'],
    ['--isolation', 'some'],
    ['--hugging-face', 'yes'],
    ['--allow-origin', 'localhost:3000'],
    ['--allow-origin', 'http://a.example/path'],
    ['--share', '/nowhere/at/all'],
  ])('are refused with the way to give them: %s %s', (option, value) => {
    expect(() => options(option, value)).toThrow(
      expect.objectContaining({ code: 'ARGUMENT_INVALID', next: expect.stringContaining(option) }),
    );
  });

  it('share a folder for reading, or also for writing, and report any other suffix', () => {
    const folder = join(testFolder(), 'models');
    mkdirSync(folder);
    expect(options('--share', folder, '--share', `${folder}:rw`).shared).toEqual([
      { path: folder, writable: false },
      { path: folder, writable: true },
    ]);
    expect(() => options('--share', `${folder}:ro`)).toThrow(
      expect.objectContaining({ next: expect.stringContaining(`${folder}:rw`) }),
    );
  });
});
