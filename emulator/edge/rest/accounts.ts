import { Router } from 'express';
import type { Catalog } from '../../catalog/types.ts';

/**
 * The one local account, as `fal auth whoami`, `fal queue` and the deploy check ask for it
 * (docs/platform/rest.md#accounts).
 */
export function accounts({ account }: Pick<Catalog, 'account'>): Router {
  const { userId, nickname, fullName } = account;
  const router = Router();
  router.get('/users/current', (_request, response) => {
    response.json({
      full_name: fullName,
      nickname,
      user_id: userId,
      is_personal: true,
      is_locked: false,
      is_paying: false,
      members: [],
    });
  });
  router.get('/users/teams', (_request, response) => {
    response.json([{ nickname, full_name: fullName, user_id: userId, is_personal: true, is_org: false }]);
  });
  return router;
}
