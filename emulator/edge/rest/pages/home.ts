import { Router } from 'express';
import type { Hosts } from '../../../wire/hosts.ts';

/** The page at `/`: plain text that explains what this is. No key is required. */
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
          '`minifal open` shows the log in a browser.',
          '',
        ].join('\n'),
      );
  });
  return router;
}
