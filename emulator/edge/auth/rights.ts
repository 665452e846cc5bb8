import type { Identity } from './types.ts';

/**
 * Who may use a method or a route of the control plane.
 *
 * - `owner`: keys of scope ADMIN.
 * - `callers`: all keys, including those of scope API and those of runners. They call apps, issue tokens for calling
 *   them, and use files, key-values, and `/data`; they don't deploy, and don't see secrets, keys, logs, or runners.
 * - `anyone`: no key is required, or the route identifies its callers in another way: by a token, or an address that
 *   can't be guessed.
 *
 * The hosts that call apps (run, queue, ws, the bridge) check the app's auth mode instead (gateway/access.ts), and a
 * runner's label call checks its token (labels/server.ts).
 */
export type Audience = 'owner' | 'callers' | 'anyone';

export type Rights = { readonly [route: string]: Audience };

/** By method of `controller.IsolateController`. */
export const grpcRights: Rights = {
  BuildEnvironment: 'owner',
  CreateEnvironment: 'owner',
  CreateUserKey: 'owner',
  DeleteAlias: 'owner',
  DeleteApplication: 'owner',
  DeleteEnvironment: 'owner',
  InteractiveRun: 'owner',
  KillRunner: 'owner',
  ListAliases: 'owner',
  ListAliasRunners: 'owner',
  ListApplications: 'owner',
  ListEnvironments: 'owner',
  ListRunners: 'owner',
  ListSecrets: 'owner',
  ListUserKeys: 'owner',
  Map: 'owner',
  RegisterApplication: 'owner',
  RevokeUserKey: 'owner',
  RolloutApplication: 'owner',
  Run: 'owner',
  SetAlias: 'owner',
  SetSecret: 'owner',
  ShellRunner: 'owner',
  StopRunner: 'owner',
  UpdateApplication: 'owner',
};

/** By method and path as registered (rest/server.ts); regular expressions without their escaped slashes. */
export const restRights: Rights = {
  // Pages, and public halves of keys.
  'GET /': 'anyone',
  'GET /models/:owner/:app': 'anyone',
  'GET /dashboard/assets/:name': 'anyone',
  'GET /dashboard/logs': 'anyone',
  'GET /dashboard/apps/:owner/:app/logs': 'anyone',
  'GET /dashboard/apps/:owner/:app': 'anyone',
  'GET /dashboard/apps/:owner/:app/*rest': 'anyone',
  'POST /minifal/pages/session': 'anyone',
  'GET /.well-known/jwks.json': 'anyone',

  // Stored files: read by their address, unless their access rules require more; uploaded with the address that was
  // issued, or with a token of `/storage/auth/token`.
  'GET /files/cdn/:id/:name': 'anyone',
  'PUT /storage/uploads/:uploadId': 'anyone',
  'POST /storage/uploads/:uploadId/complete': 'anyone',
  'POST /storage/uploads/:uploadId/:part': 'anyone',
  'PUT /storage/uploads/:uploadId/:part': 'anyone',
  'POST /files/upload': 'anyone',
  'POST /files/upload/multipart': 'anyone',
  'PUT /files/cdn/:id/:name/multipart/:uploadId/:part': 'anyone',
  'POST /files/cdn/:id/:name/multipart/:uploadId/complete': 'anyone',
  'POST /storage/upload/initiate': 'callers',
  'POST /storage/upload/initiate-multipart': 'callers',
  'POST /storage/auth/token': 'callers',

  // Key-values: with the same tokens.
  'GET ^/get/(?<db>[^/]+)/(?<key>.+)$': 'anyone',
  'PUT ^/set/(?<db>[^/]+)/(?<key>.+)$': 'anyone',
  'DELETE ^/delete/(?<db>[^/]+)/(?<key>.+)$': 'anyone',

  // `/data`.
  'GET ^/files/list(?:/(?<path>.*))?$': 'callers',
  'GET ^/files/file/(?<path>.*)$': 'callers',
  'POST ^/files/file/local/(?<path>.*)$': 'callers',
  'POST ^/files/file/url/(?<path>.*)$': 'callers',
  'POST ^/files/file/multipart/(?<path>.*)/initiate$': 'callers',
  'POST ^/files/file/multipart/(?<path>.*)/(?<id>[0-9a-f]{48})/complete$': 'callers',
  'POST ^/files/file/multipart/(?<path>.*)/(?<id>[0-9a-f]{48})/cancel$': 'callers',
  'PUT ^/files/file/multipart/(?<path>.*)/(?<id>[0-9a-f]{48})/(?<part>[^/]+)$': 'callers',
  'DELETE ^/files/file/(?<path>.*)$': 'callers',
  'POST ^/files/rename/(?<path>.*)$': 'callers',
  'POST ^/files/dir/check_hash/(?<path>.*)$': 'callers',

  // The account, and apps as their callers see them.
  'GET /users/current': 'callers',
  'GET /users/teams': 'callers',
  'GET /applications/:owner/:app/metadata': 'callers',
  'GET /applications/:owner/:app/queue': 'callers',
  'POST /tokens': 'callers',
  'POST /tokens/realtime': 'callers',
  'POST /requests/billable-units/:id': 'callers',
  'GET /workflows{/}': 'callers',
  'GET /workflows/:user/:name': 'callers',

  // Deploys: the files of apps, and workflows.
  'POST /files/missing_hashes': 'owner',
  'POST /files/app/multipart/:hash/initiate': 'owner',
  'POST /files/app/multipart/:hash/:uploadId/complete': 'owner',
  'POST /files/app/multipart/:hash/:uploadId/cancel': 'owner',
  'PUT /files/app/multipart/:hash/:uploadId/:part': 'owner',
  'POST /workflows{/}': 'owner',
  'PATCH /workflows/:user/:name': 'owner',
  'DELETE /workflows/:user/:name': 'owner',

  // The state of apps.
  'GET /applications/metrics': 'owner',
  'GET /v1/serverless/metrics': 'owner',
  'DELETE /applications/:owner/:app/queue': 'owner',
  'GET /runners/:id': 'owner',
  'POST /logs/history': 'owner',
  'POST /logs/stream': 'owner',
  'GET /logs/': 'owner',
  'POST /logs/': 'owner',
  'POST /minifal/pages/code': 'owner',
  'GET /minifal/status': 'owner',
  'GET /minifal/events': 'owner',
  'GET /minifal/requests': 'owner',
  'GET /minifal/requests/:id': 'owner',
  'GET /minifal/requests/:id/data': 'owner',
  'GET /minifal/why/:id': 'owner',
  'GET /minifal/runners': 'owner',
  'GET /minifal/runners/:id': 'owner',
  'GET /minifal/runners/:id/samples': 'owner',
  'GET /minifal/runners/:id/start': 'owner',
  'POST /minifal/runners/:id/stop': 'owner',
  'POST /minifal/gpus/:index/fault': 'owner',
  'POST /minifal/debug/tools': 'owner',
  'POST /minifal/runners/:id/debug': 'owner',
  'GET /minifal/runners/:id/stacks': 'owner',
  'POST /minifal/runs/:alias/reload': 'owner',
  'PUT /minifal/runs/:alias/scaling': 'owner',
  'PUT /minifal/runs/:alias/debug': 'owner',
  'GET /minifal/logs': 'owner',
  'GET /minifal/logs/follow': 'owner',
  'GET /minifal/apps/:alias/settings': 'owner',
  'GET /minifal/apps/:alias/revisions': 'owner',
  'DELETE /minifal/apps/:alias': 'owner',
  'GET /minifal/secrets': 'owner',
  'POST /minifal/secrets': 'owner',
  'GET /minifal/disk': 'owner',
};

/** Whether a key's scope is sufficient. Anything that is in no table is reserved for the owner. */
export function mayUse({ scope }: Pick<Identity, 'scope'>, who: Audience | undefined): boolean {
  return scope === 'ADMIN' || who === 'callers' || who === 'anyone';
}

/** The reason for a refusal: a sentence for a person. */
export function notAllowed({ scope }: Pick<Identity, 'scope'>): string {
  return scope === 'RUNNER'
    ? 'This is the key of a runner: it may call apps and use files, key-values and /data, but not manage anything. ' +
        'Give the app its own key, as a secret.'
    : 'This key has scope API: it may call apps but not manage them. Use a key with scope ADMIN.';
}
