/**
 * The queue as its callers see it (docs/platform/gateway.md#submit to #webhooks,
 * docs/platform/runners.md#queue-and-retries): real deploys, real clients, apps that their input scripts. The parts
 * share one emulator.
 */
import './queue/full-app.ts';
import './queue/in-progress.ts';
import './queue/retries.ts';
import './queue/webhooks.ts';
import './queue/follow-up.ts';
import './queue/why.ts';
