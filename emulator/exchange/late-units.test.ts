import { describe, expect, it } from 'vitest';
import type { LogLine } from '../telemetry/types.ts';
import { createLateUnits } from './late-units.ts';

function lateUnits() {
  const lines: Omit<LogLine, 'seq'>[] = [];
  const units = createLateUnits({ logs: { append: (line) => void lines.push(line) }, clock: () => 42 });
  return { units, lines, messages: () => lines.map(({ message }) => message) };
}
const request = (id: string) => ({ id, alias: 'world', runnerId: 'runner-1', endpoint: '/start-session' });

describe('units that come later', () => {
  it("are written to the request's log: that it waits, and the settled amount", () => {
    const { units, lines, messages } = lateUnits();
    units.expect(request('a'));
    expect(units.settle('a', '2.50000000')).toBe(true);
    expect(messages()).toEqual([
      'WAITING for billable units: the app reports them when the session ends.',
      'Billable units settled: 2.50000000',
    ]);
    for (const line of lines) {
      expect(line).toMatchObject({ at: 42, requestId: 'a', alias: 'world', runnerId: 'runner-1', source: 'BRIDGE' });
    }
  });

  it('are settled once, however often the report arrives: its first answer may be lost', () => {
    const { units, messages } = lateUnits();
    units.expect(request('a'));
    expect([units.settle('a', '1'), units.settle('a', '1'), units.settle('a', '7')]).toEqual([true, true, true]);
    expect(messages().filter((message) => message.includes('settled'))).toEqual(['Billable units settled: 1']);
  });

  it('are ignored for a request that does not wait for them', () => {
    const { units, lines } = lateUnits();
    expect(units.settle('a', '1')).toBe(false);
    expect(lines).toEqual([]);
  });

  it('are kept for 10,000 requests: the oldest one is forgotten', () => {
    const { units } = lateUnits();
    for (let n = 0; n <= 10_000; n++) units.expect(request(String(n)));
    expect([units.settle('0', '1'), units.settle('1', '1')]).toEqual([false, true]);
  });
});
