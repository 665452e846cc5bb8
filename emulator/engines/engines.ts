import type { Engine } from './engine.ts';

/**
 * One engine for environments of every kind: the engine of an environment's kind starts its runners.
 * @param byKind the same kinds as `createBuilds` has builders of
 */
export function createEngines(byKind: { readonly [kind: string]: Engine }): Engine {
  const engines = new Map(Object.entries(byKind));

  /** Every kind that a builder produces has an engine; anything else is a bug. */
  function engineOf(kind: string): Engine {
    const engine = engines.get(kind);
    if (engine === undefined) throw new Error(`There is no engine for environments of the kind ${kind}.`);
    return engine;
  }

  return {
    warm: (environment) => engineOf(environment.kind).warm(environment),
    start: (spec, events) => engineOf(spec.environment.kind).start(spec, events),
    wantPlaces(wanted) {
      for (const engine of engines.values()) engine.wantPlaces(wanted);
    },
    async close() {
      await Promise.all([...engines.values()].map((engine) => engine.close()));
    },
  };
}
