import { Router } from 'express';
import type { Hosts } from '../../wire/hosts.ts';

const name = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/**
 * The page at `/`, and the pages behind the links that `fal deploy` prints (docs/platform/control-plane.md#commands):
 * plain text that explains what this is. No key is required: they show nothing that the caller doesn't know.
 */
export function home(hosts: Hosts): Router {
  const router = Router();
  router.get('/', (_request, response) => {
    response
      .type('text/plain')
      .send(
        [
          'minifal: fal Serverless on this machine.',
          '',
          `api    https://${hosts.api}   control plane (gRPC) and REST`,
          `run    https://${hosts.run}   direct calls`,
          `queue  https://${hosts.queue}   queued calls`,
          `ws     wss://${hosts.ws}   websockets`,
          '',
          '`minifal env` prints the variables that point the fal CLI and its clients here.',
          '',
        ].join('\n'),
      );
  });
  router.get<{ owner: string; app: string }>(
    ['/models/:owner/:app', '/dashboard/apps/:owner/:app', '/dashboard/apps/:owner/:app/*rest'],
    ({ params }, response, next) => {
      const { owner, app } = params;
      if (!name.test(owner) || !name.test(app)) return next();
      response
        .type('text/plain')
        .send(
          [
            `minifal has no dashboard. Call the app ${owner}/${app} at`,
            '',
            `  https://${hosts.run}/${owner}/${app}     directly`,
            `  https://${hosts.queue}/${owner}/${app}     through the queue`,
            '',
            '`fal apps list`, `fal runners list` and `fal runners logs ID` show its state.',
            '',
          ].join('\n'),
        );
    },
  );
  return router;
}
