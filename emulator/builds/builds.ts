import type { Builder, BuildLog, BuildResult } from './types.ts';

/**
 * Environments of every kind: each is built by the builder of its kind. This is the only place that refuses other
 * kinds.
 * @param byKind the same kinds as `createEngines` has engines for
 */
export function createBuilds(byKind: { readonly [kind: string]: Builder }): Builder {
  const builders = new Map(Object.entries(byKind));
  return {
    async build(definition, log: (line: BuildLog) => void, signal): Promise<BuildResult> {
      const builder = builders.get(definition.kind);
      if (builder === undefined) return { kind: 'failed', reason: refusalOf(definition.kind) };
      return builder.build(definition, log, signal);
    },
    async close() {
      await Promise.all([...builders.values()].map((builder) => builder.close()));
    },
  };
}

/** Why an environment of this kind can't be built, and which kinds can. */
function refusalOf(kind: string): string {
  if (kind === 'conda') {
    return (
      'Conda environments are not supported by minifal yet; use a virtualenv environment: remove ' +
      '`kind`, and list Python packages in `requirements`.'
    );
  }
  return `Unknown environment kind: ${kind}. Use a virtualenv or container environment.`;
}
