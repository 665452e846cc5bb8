import { debugType } from '../contributes/debuggers.ts';

/** What the extension reads of a debug configuration. */
export type Target =
  /** Runs an app, or takes its run, and debugs each of its runners. */
  | { readonly kind: 'app'; readonly app: string }
  | { readonly kind: 'anyApp' }
  /** One runner of any app. */
  | { readonly kind: 'runner'; readonly runner: string }
  | { readonly kind: 'anyRunner' };

/** A configuration as the editor has it: F5 without a launch.json gives one without anything. */
interface Given {
  readonly request?: unknown;
  readonly app?: unknown;
  readonly runner?: unknown;
}

/** What to debug. A launch.json may contain anything. Pure. */
export function targetOf({ request, app, runner }: Given): Target {
  if (request === 'attach') return typeof runner === 'string' ? { kind: 'runner', runner } : { kind: 'anyRunner' };
  return typeof app === 'string' && app !== '' ? { kind: 'app', app } : { kind: 'anyApp' };
}

/** The configuration of an app, as launch.json has it. `app`: as a task names it. Pure. */
export function appConfiguration(app: string) {
  return { type: debugType, request: 'launch', name: `fal: ${app.split('::').at(-1)}`, app } as const;
}
