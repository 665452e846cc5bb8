import { createHash } from 'node:crypto';
import { z } from 'zod';

/**
 * `configuration` of a `virtualenv` environment (docs/platform/control-plane.md#virtual-environments). Unknown keys are
 * tolerated, as the SDK may send new ones. Without `resolver` the cloud uses pip. Known difference: we install with uv
 * in both cases.
 */
const virtualenvSchema = z.object({
  python_version: z
    .string()
    .regex(/^\d+\.\d+(\.\d+)?$/, 'python_version must look like "3.11"')
    .nullish(),
  requirements: z.union([z.array(z.string()), z.array(z.array(z.string()))]).nullish(),
  resolver: z.literal('uv', "Only 'uv' is supported as a resolver for virtualenv environments.").nullish(),
  compile_bytecode: z.boolean().nullish(),
  constraints_file: z.string().nullish(),
  extra_index_urls: z.array(z.string()).nullish(),
  tags: z.array(z.string()).nullish(),
});

/** A checked virtualenv: what to build, with one list of requirements per install step. */
export interface VirtualenvDefinition {
  /** `null`: any Python that the SDK supports. */
  readonly pythonVersion: string | null;
  readonly layers: readonly (readonly string[])[];
  readonly resolver: 'uv' | null;
  readonly compileBytecode: boolean;
  readonly constraintsFile: string | null;
  readonly extraIndexUrls: readonly string[];
  readonly tags: readonly string[];
}

export type ParsedDefinition =
  | { readonly ok: true; readonly definition: VirtualenvDefinition }
  | { readonly ok: false; readonly reason: string };

/** Checks a `virtualenv` configuration; an invalid one returns isolate's sentence, `Invalid environment: …`. */
export function parseVirtualenv(configuration: unknown): ParsedDefinition {
  const parsed = virtualenvSchema.safeParse(configuration);
  if (!parsed.success) {
    const why = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'configuration'}: ${issue.message}`);
    return { ok: false, reason: `Invalid environment: ${why.join('; ')}` };
  }
  const c = parsed.data;
  return {
    ok: true,
    definition: {
      pythonVersion: c.python_version ?? null,
      layers: toLayers(c.requirements ?? []),
      resolver: c.resolver ?? null,
      compileBytecode: c.compile_bytecode ?? false,
      constraintsFile: c.constraints_file ?? null,
      extraIndexUrls: c.extra_index_urls ?? [],
      tags: c.tags ?? [],
    },
  };
}

function toLayers(requirements: readonly string[] | readonly string[][]): readonly (readonly string[])[] {
  const flat: string[] = [];
  const layers: (readonly string[])[] = [];
  for (const entry of requirements) {
    if (typeof entry === 'string') flat.push(entry);
    else layers.push(entry);
  }
  return flat.length > 0 ? [flat] : layers;
}

/**
 * Content hash of an environment: the fields and their order are isolate's cache key (python version, requirements,
 * constraints, index URLs, sorted tags, extras), followed by the agent's pin, because the agent's packages belong to
 * the result. `constraints`: lines of the constraints file, not its path. `owner`: the only deployment environment that
 * it is for.
 */
export function environmentHash(
  definition: VirtualenvDefinition,
  constraints: readonly string[],
  agentPin: string,
  owner?: string,
): string {
  const [only, ...more] = definition.layers;
  const requirements =
    only !== undefined && more.length === 0
      ? only
      : definition.layers.map((layer, index) => `layer${index}:\n${layer.join('\n')}`);
  const fields = [
    definition.pythonVersion ?? 'any',
    ...requirements,
    ...constraints,
    ...definition.extraIndexUrls,
    ...[...definition.tags].sort(),
    ...(definition.resolver ? [`resolver=${definition.resolver}`] : []),
    ...(definition.compileBytecode ? ['compile_bytecode=true'] : []),
    `agent=${agentPin}`,
    ...(owner === undefined ? [] : [`secrets=${owner}`]),
  ];
  return createHash('sha256').update(fields.join('\n')).digest('hex');
}
