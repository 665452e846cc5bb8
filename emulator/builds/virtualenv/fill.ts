import { UserError, withCode } from '../../wire/errors.ts';
import type { BuildFailure } from '../types.ts';
import type { VirtualenvDefinition } from './definition.ts';
import { type FilledDefinition, fillDefinition } from './placeholders.ts';

/** What is to be installed, or why that is unavailable: values of secrets may be out of reach. */
export function fill(
  definition: VirtualenvDefinition,
  secretsOf: string,
  secretValue: ((environmentName: string, name: string) => string | undefined) | undefined,
): Extract<FilledDefinition, { ok: true }> | BuildFailure {
  try {
    const filled = fillDefinition(definition, secretsOf, secretValue);
    return filled.ok ? filled : { kind: 'failed', reason: filled.reason };
  } catch (error) {
    return failureOf(error);
  }
}

/** An error that the user can fix is a failed build; any other error is a bug. */
export function failureOf(error: unknown): BuildFailure {
  if (!(error instanceof UserError)) throw error;
  return { kind: 'failed', reason: withCode(error) };
}
