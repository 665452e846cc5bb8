import { json, Router } from 'express';
import { UserError } from '../../../wire/errors.ts';
import { type OwnSecrets, secretChangesSchema } from '../../../wire/secrets.ts';
import type { RestDeps } from '../deps.ts';
import { HttpError } from '../http-error.ts';

/**
 * Secrets for the editor. `GET /minifal/secrets`: the names of all environments. `POST /minifal/secrets`: sets and
 * removes some. Values arrive in the body alone, and never leave.
 */
export function ownSecrets({ catalog }: Pick<RestDeps, 'catalog'>): Router {
  const router = Router();
  const secrets = (): OwnSecrets => ({
    secrets: catalog
      .listEnvironments()
      .flatMap(({ name: environment }) =>
        catalog.listSecrets(environment).map(({ name, createdAt }) => ({ name, environment, createdAt })),
      ),
  });
  router.get('/minifal/secrets', (_request, response) => void response.json(secrets()));
  router.post('/minifal/secrets', json({ limit: '1mb' }), ({ body }, response) => {
    const { environment, set, remove } = secretChangesSchema.parse(body);
    if (!catalog.listEnvironments().some(({ name }) => name === environment)) {
      throw new HttpError(404, `Environment ${environment} not found.`);
    }
    try {
      for (const [name, value] of set) catalog.setSecret(name, value, environment);
    } catch (error) {
      if (error instanceof UserError) throw new HttpError(409, `${error.message} ${error.next}`);
      throw error;
    }
    for (const name of remove) catalog.setSecret(name, null, environment);
    response.json(secrets());
  });
  return router;
}
