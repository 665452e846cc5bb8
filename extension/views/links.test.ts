import { describe, expect, it } from 'vitest';
import type { RequestFacts } from '../target/requests.ts';
import { describeRequest, type FoundLink, findLinks } from './links.ts';

const id = '0199a1b2-0000-7000-8000-0123456789ab';
const ports = [7001, 7002];
const texts = (line: string, links: readonly FoundLink[]) =>
  links.map(({ kind, start, length }) => `${kind} ${line.slice(start, start + length)}`);

describe('links in a terminal', () => {
  it.each([
    ['run: https://localhost:7001/local/hello', ['app https://localhost:7001/local/hello']],
    ['"http://127.0.0.1:7002/local/hello/sub?x=1",', ['app http://127.0.0.1:7002/local/hello/sub?x=1']],
    [`{"request_id": "${id}"}`, [`request ${id}`]],
    [
      `https://localhost:7002/local/hello/requests/${id}/status`,
      [`request https://localhost:7002/local/hello/requests/${id}/status`],
    ],
    [`(https://localhost:7001/local/${id})`, [`app https://localhost:7001/local/${id}`]],
    // Another port, another host, no app, an id within a longer word.
    ['https://localhost:7005/local/hello', []],
    ['https://fal.run/local/hello and https://localhost:7001.example.com/local/hello', []],
    ['https://localhost:7001/', []],
    [`x${id} ${id}-1`, []],
  ])('%s', (line, expected) => {
    expect(texts(line, findLinks(line, ports))).toEqual(expected);
  });

  it('are limited in number, however long the line', () => {
    expect(findLinks(Array(50).fill(id).join(' '), ports)).toHaveLength(5);
    expect(findLinks(`${'x '.repeat(3_000)}${id}`, ports)).toEqual([]);
  });
});

describe('a request', () => {
  const facts: RequestFacts = {
    requestId: id,
    number: 38,
    method: 'POST',
    path: '/',
    coldMs: null,
    history: [],
    alias: 'hello',
    phase: 'IN_QUEUE',
    submittedAt: 1_000,
    completedAt: null,
    runnerId: null,
    attempts: 0,
    status: null,
    error: null,
    exception: null,
    why: 'No runner yet.',
  };
  const runner = { id: 'abcdefgh-1', number: 2 };
  const attempt = { number: 2, runner, startedAt: 1_200, endedAt: null, status: null, because: null };
  const ran = { runnerId: runner.id, attempts: 2, why: null, history: [attempt] };
  const done = { ...ran, phase: 'COMPLETED', completedAt: 2_500 } as const;
  it.each([
    [{}, 'in queue. No runner yet.'],
    [{ ...ran, phase: 'IN_PROGRESS' } as const, 'in progress on runner 2 (attempt 2).'],
    [{ ...done, attempts: 1, status: 200 }, 'completed with 200 after 1.5 s on runner 2.'],
    [{ ...done, error: 'It took too long.' }, 'failed after 1.5 s on runner 2 (attempt 2). It took too long.'],
  ])('is reported in a sentence: %j', (change, sentence) => {
    expect(describeRequest({ ...facts, ...change })).toBe(`Request #38 of hello: ${sentence}`);
  });
});
