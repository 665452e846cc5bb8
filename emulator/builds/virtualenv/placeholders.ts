import type { VirtualenvDefinition } from './definition.ts';

const placeholder = /\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g;

type Filled =
  | { readonly ok: true; readonly text: string; readonly values: readonly string[] }
  | { readonly ok: false; readonly missing: string };

function fillPlaceholders(text: string, secretValue: (name: string) => string | undefined): Filled {
  const values: string[] = [];
  let missing: string | undefined;
  const filled = text.replace(placeholder, (whole, name: string) => {
    const value = secretValue(name);
    if (value === undefined) {
      missing ??= name;
      return whole;
    }
    values.push(value);
    return value;
  });
  return missing === undefined ? { ok: true, text: filled, values } : { ok: false, missing };
}

export type FilledDefinition =
  | { readonly ok: true; readonly definition: VirtualenvDefinition; readonly values: readonly string[] }
  | { readonly ok: false; readonly reason: string };

/** Whether a requirement or an index URL names a secret. */
export function namesSecrets({ layers, extraIndexUrls }: VirtualenvDefinition): boolean {
  return [...layers.flat(), ...extraIndexUrls].some((text) => text.search(placeholder) >= 0);
}

/**
 * Replaces `${NAME}` in requirements and index URLs by the value of the secret of this deployment environment
 * (docs/platform/control-plane.md#requirements-that-need-the-client); `values` lists what must never be printed.
 * Without `secretValue` the text is unchanged.
 */
export function fillDefinition(
  definition: VirtualenvDefinition,
  secretsOf: string,
  secretValue: ((environmentName: string, name: string) => string | undefined) | undefined,
): FilledDefinition {
  if (!secretValue) return { ok: true, definition, values: [] };
  const values: string[] = [];
  let missing: string | undefined;
  const fill = (text: string): string => {
    const filled = fillPlaceholders(text, (name) => secretValue(secretsOf, name));
    if (!filled.ok) {
      missing ??= filled.missing;
      return text;
    }
    values.push(...filled.values);
    return filled.text;
  };
  const layers = definition.layers.map((layer) => layer.map(fill));
  const extraIndexUrls = definition.extraIndexUrls.map(fill);
  if (missing !== undefined) {
    const what = `A requirement uses the secret ${missing}, which is not set in environment ${secretsOf}.`;
    return { ok: false, reason: `${what} Set it: fal secrets set ${missing}=… --env ${secretsOf}` };
  }
  return { ok: true, definition: { ...definition, layers, extraIndexUrls }, values };
}
