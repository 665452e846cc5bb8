/** Throws when a law is broken. Plain, because a storm asks it millions of times. */
export function law(holds: boolean, text: string, ...facts: readonly unknown[]): asserts holds {
  if (!holds) throw new Error([text, ...facts.map((fact) => JSON.stringify(fact))].join(' | '));
}
