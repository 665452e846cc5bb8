import { describe, expect, it } from 'vitest';
import { inferLevel, severity, tracebackIn } from './level.ts';
import type { LogLevel } from './types.ts';

describe('inferLevel', () => {
  it.each<[string, 'stdout' | 'stderr', LogLevel]>([
    ['hello', 'stdout', 'STDOUT'],
    ['hello', 'stderr', 'STDERR'],
    ['', 'stdout', 'STDOUT'],
    ['ERROR: no', 'stdout', 'ERROR'],
    ['errors: 0', 'stdout', 'ERROR'], // as isolate does: the beginning of the line, not a word
    ['Warning, old', 'stderr', 'WARNING'],
    ['warn', 'stdout', 'WARNING'],
    ['INFO:     Started server process', 'stderr', 'INFO'],
    ['debug it', 'stdout', 'DEBUG'],
    ['Traceback (most recent call last):', 'stderr', 'TRACE'], // as isolate does: it begins with "trace"
    ['an error in the middle', 'stdout', 'STDOUT'],
    ['12:00 [Error] no', 'stdout', 'ERROR'],
    ['12:00 [debug] then [error]', 'stdout', 'ERROR'],
    ['{"level": "warn", "event": "x"}', 'stdout', 'WARNING'],
    ['  {"levelname": " ERROR ", "level": 3}', 'stdout', 'ERROR'],
    ['{"severity": "Debug"}', 'stderr', 'DEBUG'],
    ['{"level": "critical"}', 'stderr', 'STDERR'],
    ['{"level": "critical", "severity": "info"}', 'stderr', 'INFO'],
    ['{"level": "error"', 'stdout', 'STDOUT'],
    ['{"nested": {"level": "error"}}', 'stdout', 'STDOUT'],
    ['["level", "error"]', 'stdout', 'STDOUT'],
  ])('classifies %j on %s as %s', (text, stream, level) => {
    expect(inferLevel(text, stream)).toBe(level);
  });
});

describe('tracebackIn', () => {
  it.each([
    ['{"traceback": "ValueError: no\\n  File a"}', 'ValueError: no\n  File a'],
    ['{"traceback": 3}', undefined],
    ['{"traceback": "cut', undefined],
    ['a "traceback" in words', undefined],
    ['{"other": "traceback"}', undefined],
  ])('finds in %j: %j', (text, traceback) => {
    expect(tracebackIn(text)).toBe(traceback);
  });
});

describe('severity', () => {
  it('orders the levels, with the plain streams at INFO', () => {
    const ordered: LogLevel[] = ['TRACE', 'DEBUG', 'INFO', 'WARNING', 'ERROR'];
    const numbers = ordered.map(severity);
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    expect(new Set(numbers).size).toBe(5);
    expect([severity('STDOUT'), severity('STDERR')]).toEqual([severity('INFO'), severity('INFO')]);
  });
});
