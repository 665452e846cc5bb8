import { describe, expect, it } from 'vitest';
import { createProbeLines } from './probe-lines.ts';

const uvicorn = (port: number, request = 'GET /health') => `INFO:     127.0.0.1:${port} - "${request} HTTP/1.1" 200 OK`;

describe('lines about our own health checks', () => {
  const lines = () => {
    const known = createProbeLines({ path: null, method: 'POST' });
    known.sent(4001);
    return known;
  };

  it('are recognised by their port, once each', () => {
    const known = lines();
    expect([4001, 4001].map((port) => known.isOurs(uvicorn(port)))).toEqual([true, false]);
  });

  it.each([
    ['a check of someone else', uvicorn(4002)],
    ['a call that came through the gateway', uvicorn(0)],
    ['another request from that port', uvicorn(4001, 'GET /healthy')],
    ['another method', uvicorn(4001, 'POST /health')],
    ['words about it', 'GET /health from 127.0.0.1:4001'],
  ])('are not %s', (_what, line) => {
    expect(lines().isOurs(line)).toBe(false);
  });

  it('are as many as there were checks where a server names no ports', () => {
    const known = lines();
    const line = '127.0.0.1 - - [26/Nov/2026 00:00:00] "GET /health HTTP/1.1" 200 -';
    expect([line, line].map((text) => known.isOurs(text))).toEqual([true, false]);
  });

  it('contain a declared path as it is requested', () => {
    const known = createProbeLines({ path: '/he alth', method: 'POST' });
    known.sent(4001);
    expect(known.isOurs(uvicorn(4001, 'POST /he%20alth'))).toBe(true);
  });

  it('do not grow without bound', () => {
    const known = createProbeLines({ path: null, method: 'GET' });
    for (let port = 1; port <= 10_000; port++) known.sent(port);
    expect([1, 9_984, 9_985, 10_000].map((port) => known.isOurs(uvicorn(port)))).toEqual([false, false, true, true]);
  });
});
