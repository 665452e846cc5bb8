/**
 * The name of the app whose runner audits a run: it has no route and no row of its own, and is shown in the place of
 * its run. `id`: one for each audit. Pure.
 */
export function auditAlias(run: string, id: string): string {
  return `${run}-audit-${id}`;
}

/** The alias of the run that an app with this alias audits; `undefined`: it is an app like others. Pure. */
export function auditedRun(alias: string): string | undefined {
  return /^([0-9a-f]{8}-[0-9a-f-]{27})-audit-[0-9a-f]{8}$/.exec(alias)?.[1];
}
