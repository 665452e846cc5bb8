import type { FoundApp } from '../target/app-code.ts';
import type { Operation } from './openapi.ts';

/**
 * What is known of an app that hasn't described its endpoints yet: what it said last, and what its code has besides,
 * which may be newer. Pure.
 */
export function knownOperations(
  last: readonly Operation[],
  code: Pick<FoundApp, 'endpoints' | 'inherited'> | undefined,
): readonly Operation[] {
  const known = new Map(last.map((operation) => [operation.path, operation]));
  for (const { kind, path } of [...(code?.endpoints ?? []), ...(code?.inherited.endpoints ?? [])]) {
    if (kind !== 'http' || path === undefined || known.has(describedPath(path))) continue;
    known.set(describedPath(path), bare(describedPath(path)));
  }
  return [...known.values()];
}

/** A path of the code as a description of the app has it: without converters. */
export const describedPath = (path: string): string => path.replace(/:[^{}]+\}/g, '}');

/** An endpoint of which only the path is known. */
export const bare = (path: string): Operation => ({
  method: 'POST',
  path,
  summary: '',
  input: undefined,
  query: [],
  both: [],
});
