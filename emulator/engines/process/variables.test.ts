import { describe, expect, it } from 'vitest';
import { machineEnvironment, runnerEnvironment } from './variables.ts';

describe('machineEnvironment', () => {
  it("passes on variables that describe the machine and none of the emulator's own secrets", () => {
    const host = { PATH: '/usr/bin', HOME: '/home/a', AWS_SECRET_ACCESS_KEY: 'x', FAL_KEY: 'y', PYTHONPATH: '/z' };
    expect(machineEnvironment(host, '/venv/bin/python')).toEqual({
      PATH: '/venv/bin:/usr/bin',
      HOME: '/home/a',
      PYTHONNOUSERSITE: '1',
    });
  });
});

describe("the machine's proxy", () => {
  const proxy = 'http://user:word@proxy:1';

  it("reaches runners with the machine's exceptions, and is never used for the emulator", () => {
    const machine = machineEnvironment({ HTTPS_PROXY: proxy, NO_PROXY: 'intranet' }, '/venv/bin/python');
    const env = runnerEnvironment(machine, {}, '/src');
    const exempt = 'intranet,localhost,.localhost,127.0.0.1,::1';
    expect(env).toMatchObject({ HTTPS_PROXY: proxy, NO_PROXY: exempt, no_proxy: exempt });
  });

  it('that a secret of the app sets has the same exceptions', () => {
    expect(runnerEnvironment({}, { http_proxy: proxy }, '/src').no_proxy).toContain('localhost');
  });
});

describe('runnerEnvironment', () => {
  it("prefers the spec to the machine, and the engine's own variables to both", () => {
    const env = runnerEnvironment({ PATH: '/bin', HOME: '/h' }, { HOME: '/other', PYTHONUNBUFFERED: '0' }, '/src');
    expect(env).toMatchObject({ PATH: '/bin', HOME: '/other', PYTHONUNBUFFERED: '1', IS_ISOLATE_AGENT: '1' });
  });

  it("puts the rules for Python children before the app's own module path", () => {
    expect(runnerEnvironment({}, { PYTHONPATH: '/mine' }, '/src').PYTHONPATH).toBe('/src/children:/mine');
  });
});
