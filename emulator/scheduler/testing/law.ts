/** Throws when a law is broken. Kept simple, because a storm calls it millions of times. */
export function law(holds: boolean, text: string, ...facts: readonly unknown[]): asserts holds {
  if (!holds) throw new Error([text, ...facts.map((fact) => JSON.stringify(fact))].join(' | '));
}
