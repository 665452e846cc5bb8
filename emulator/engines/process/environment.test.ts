import { describe, expect, it } from 'vitest';
import { machineEnvironment, runnerEnvironment } from './environment.ts';

describe('machineEnvironment', () => {
  it("passes on what describes the machine and none of the emulator's own secrets", () => {
    const host = { PATH: '/usr/bin', HOME: '/home/a', AWS_SECRET_ACCESS_KEY: 'x', FAL_KEY: 'y', PYTHONPATH: '/z' };
    expect(machineEnvironment(host, '/venv/bin/python')).toEqual({
      PATH: '/venv/bin:/usr/bin',
      HOME: '/home/a',
      PYTHONNOUSERSITE: '1',
    });
  });
});

describe('runnerEnvironment', () => {
  it("lets the spec win over the machine and the engine's own variables over both", () => {
    const env = runnerEnvironment({ PATH: '/bin', HOME: '/h' }, { HOME: '/other', PYTHONUNBUFFERED: '0' }, '/src');
    expect(env).toMatchObject({ PATH: '/bin', HOME: '/other', PYTHONUNBUFFERED: '1', IS_ISOLATE_AGENT: '1' });
  });

  it("puts the rules for Python children before the app's own module path", () => {
    expect(runnerEnvironment({}, { PYTHONPATH: '/mine' }, '/src').PYTHONPATH).toBe('/src/children:/mine');
  });
});
