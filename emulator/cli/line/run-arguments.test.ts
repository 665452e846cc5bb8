import { describe, expect, it } from 'vitest';
import { parseRunLine } from './run-arguments.ts';

const plain = {
  watch: false,
  debug: false,
  swap: true,
  audit: false,
  scaling: 'pinned',
  poll: false,
  orders: false,
  help: false,
  ignored: [],
  python: undefined,
  data: undefined,
  forFal: ['app.py::App'],
};

describe('the words after `minifal run`', () => {
  it.each([
    ['app.py::App', {}],
    ['--watch app.py::App', { watch: true }],
    ['app.py::App --watch --no-swap --poll --audit', { watch: true, swap: false, poll: true, audit: true }],
    ['app.py::App --ignore *.md --ignore=assets/', { ignored: ['*.md', 'assets/'] }],
    ['--python python3.11 --data=/tmp/a=b app.py::App', { python: 'python3.11', data: '/tmp/a=b' }],
    ['app.py::App --watch --scaling faithful', { watch: true, scaling: 'faithful' }],
    ['--debug app.py::App', { watch: true, debug: true }],
    ['-h', { help: true, forFal: [] }],
  ])('are ours: %s', (line, expected) => {
    expect(parseRunLine(line.split(' '))).toEqual({ ...plain, ...expected });
  });

  it('are fal’s otherwise, in order', () => {
    const line = 'app.py::App --auth public --watch --machine-type=XS -v -- --watch --ignore';
    expect(parseRunLine(line.split(' '))).toEqual({
      ...plain,
      watch: true,
      forFal: ['app.py::App', '--auth', 'public', '--machine-type=XS', '-v', '--watch', '--ignore'],
    });
  });

  it('are refused if a value is missing', () => {
    expect(() => parseRunLine(['app.py::App', '--ignore'])).toThrow(
      expect.objectContaining({ code: 'ARGUMENT_INVALID' }),
    );
    expect(() => parseRunLine(['app.py::App', '--scaling=both'])).toThrow(/--scaling can't be both/);
  });
});
