import type { Engine } from './engine.ts';

/**
 * One engine for environments of every kind: a runner is started by the engine of its environment's kind.
 * @param byKind the same kinds as `createBuilds` has builders of
 */
export function createEngines(byKind: { readonly [kind: string]: Engine }): Engine {
  const engines = new Map(Object.entries(byKind));

  /** No builder makes what has no engine: a bug otherwise. */
  function engineOf(kind: string): Engine {
    const engine = engines.get(kind);
    if (engine === undefined) throw new Error(`There is no engine for environments of the kind ${kind}.`);
    return engine;
  }

  return {
    warm: (environment) => engineOf(environment.kind).warm(environment),
    start: (spec, events) => engineOf(spec.environment.kind).start(spec, events),
    async close() {
      await Promise.all([...engines.values()].map((engine) => engine.close()));
    },
  };
}
