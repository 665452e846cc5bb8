import { status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { UserError } from '../../wire/errors.ts';
import { fitDetails, notFound, toStatus } from './rpc-error.ts';

describe('failures on the wire', () => {
  const reported: unknown[] = [];
  const report = (error: unknown) => void reported.push(error);

  it('an RpcError keeps its code and words', () => {
    expect(toStatus(notFound('Runner x not found.'), report)).toEqual({
      code: status.NOT_FOUND,
      details: 'Runner x not found.',
    });
  });

  it('an error that a user can fix explains the reason and the next step', () => {
    expect(toStatus(new UserError('UV_NOT_INSTALLED', 'No uv here.', 'Install it.'), report)).toEqual({
      code: status.FAILED_PRECONDITION,
      details: 'No uv here.\nInstall it. (UV_NOT_INSTALLED)',
    });
  });

  it('a full disk is reported to the caller, and reported as what it is', () => {
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    const { code, details } = toStatus(full, report);
    expect(code).toBe(status.RESOURCE_EXHAUSTED);
    expect(details).toMatch(/^The disk is full: .*no space left.*\nFree some space/);
    expect(reported.splice(0)).toEqual([full]);
  });

  it('a request that is not valid names the field', () => {
    const { error } = z.object({ a: z.object({ b: z.string() }) }).safeParse({ a: {} });
    const { code, details } = toStatus(error, report);
    expect(code).toBe(status.INVALID_ARGUMENT);
    expect(details).toContain('a.b: ');
  });

  it('a value that was sent in two fields is named once', () => {
    const field = z.string().refine(() => false, 'There is no x. Did you mean y?');
    const { error } = z.object({ a: field, b: field }).safeParse({ a: 'x', b: 'x' });
    expect(toStatus(error, report).details).toBe('There is no x. Did you mean y?');
  });

  it('anything else is INTERNAL, reported, and reveals no details', () => {
    const failure = new Error('password=hunter2');
    const { code, details } = toStatus(failure, report);
    expect(code).toBe(status.INTERNAL);
    expect(details).not.toContain('hunter2');
    expect(reported).toEqual([failure]);
  });
});

describe('status details', () => {
  it('short ones stay as they are, line breaks included', () => {
    expect(fitDetails('a\nb é 😀')).toBe('a\nb é 😀');
  });

  it.each(['x', 'é', '😀', '\n', ' '])('long ones of %j keep start and end and fit into a trailer', (letter) => {
    const fitted = fitDetails(`FIRST ${letter.repeat(50_000)} died with <Signals.SIGKILL: 9>.`);
    expect(encodeURI(fitted).length).toBeLessThanOrEqual(6 * 1024);
    expect(fitted.startsWith('FIRST ')).toBe(true);
    expect(fitted.endsWith('died with <Signals.SIGKILL: 9>.')).toBe(true);
  });

  it('half a surrogate pair does not break the answer', () => {
    expect(() => encodeURI(fitDetails('\ud83d lost half'))).not.toThrow();
  });
});
