import { scaleForRegistration } from '../../../catalog/scale-settings.ts';
import type { RevisionSettings, ScaleSettings } from '../../../scheduler/types.ts';
import type { RunScaling } from '../../../wire/reload.ts';
import { ephemeralScale, requestedScale, revisionSettings } from '../apps/settings.ts';
import type { RunRequest } from './schemas.ts';

/**
 * A developer waits at the terminal and can end the run: no start of an ephemeral app is aborted
 * (docs/platform/runners.md#start-up-and-health).
 */
export const maxStartSeconds = 24 * 3600;

/** What the app of a run is scaled by. `faithful`: as if it were deployed for the first time. */
export function runScale(request: RunRequest, scaling: RunScaling): ScaleSettings {
  if (scaling === 'pinned') return ephemeralScale(request);
  return scaleForRegistration(undefined, requestedScale(request.machine_requirements), [], true).scale;
}

export function runSettings(request: RunRequest): RevisionSettings {
  return { ...revisionSettings(request), startupTimeoutSeconds: maxStartSeconds };
}
