import { describe, expect, it } from 'vitest';
import { portInUse } from './port-in-use.ts';

describe('a port that is in use', () => {
  it.each([
    'Error: listen EADDRINUSE: address already in use :::8080',
    'panic: listen tcp :8080: bind: address already in use',
    'Error: Os { code: 98, kind: AddrInUse, message: "Address already in use" }',
    'java.net.BindException: Address already in use',
    'bind: Address already in use',
  ])('is found in "%s"', (line) => {
    expect(portInUse(line, 'off')).toContain('start minifal with `--isolation full`, or deploy with');
  });

  it('does not advise a mode that the machine refuses', () => {
    const advice = portInUse('listen EADDRINUSE', 'full');
    expect(advice).toContain('Next step: deploy with `--strategy recreate`');
    expect(advice).not.toContain('--isolation');
  });

  it('is not found in other lines', () => {
    expect(portInUse('the address of the port is 8080', 'off')).toBeNull();
  });
});
