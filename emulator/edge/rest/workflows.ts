import { json, Router } from 'express';
import { z } from 'zod';
import { isOwner } from '../../catalog/owner.ts';
import type { Account } from '../../catalog/types.ts';
import { workflowContents } from '../../workflows/contents.ts';
import type { Workflow, Workflows } from '../../workflows/types.ts';
import { HttpError } from './http-error.ts';

const maxWorkflow = '4mb';
const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/, 'must be letters, digits, `-`, `_` and `.`');
const published = z.object({ name, title: z.string(), contents: workflowContents, is_public: z.boolean() });
const change = published.partial();
const pageQuery = z.object({
  page: z.coerce.number().int().min(1).default(1),
  size: z.coerce.number().int().min(1).max(100).default(50),
});

/**
 * Published workflows (docs/platform/rest.md#workflows, the SDK's openapi client): POST and PATCH answer 201, DELETE
 * 204; with other statuses, the client finds nothing in the answer. `contents` is returned as it was sent.
 */
export function workflows(room: Workflows, account: Account): Router {
  const router = Router();
  const body = json({ limit: maxWorkflow });

  router.post('/workflows{/}', body, (request, response) => {
    const { is_public: isPublic, ...given } = published.parse(request.body);
    const workflow = room.create({ ...given, isPublic });
    if (workflow === 'exists') throw taken();
    response.status(201).json(detail(workflow, account));
  });

  router.get('/workflows{/}', (request, response) => {
    const { page, size } = pageQuery.parse(request.query);
    const all = room.list().toReversed();
    const items = all.slice((page - 1) * size, page * size).map((workflow) => item(workflow, account));
    response.json({ items, total: all.length, page, size, pages: Math.ceil(all.length / size) });
  });

  const one = '/workflows/:user/:name';
  const owned = (params: { readonly user: string; readonly name: string }): string => {
    if (!isOwner(account, params.user)) throw unknown();
    return params.name;
  };

  router.get(one, ({ params }, response) => {
    const workflow = room.get(owned(params));
    if (!workflow) throw unknown();
    response.json(detail(workflow, account));
  });

  router.patch(one, body, ({ params, body: sent }, response) => {
    const { is_public, name, title, contents } = change.parse(sent);
    const workflow = room.update(owned(params), {
      ...(name === undefined ? {} : { name }),
      ...(title === undefined ? {} : { title }),
      ...(contents === undefined ? {} : { contents }),
      ...(is_public === undefined ? {} : { isPublic: is_public }),
    });
    if (workflow === 'unknown') throw unknown();
    if (workflow === 'exists') throw taken();
    response.status(201).json(detail(workflow, account));
  });

  router.delete(one, ({ params }, response) => {
    if (!room.delete(owned(params))) throw unknown();
    response.status(204).end();
  });
  return router;
}

function item({ name, title, createdAt }: Workflow, account: Account): object {
  const created_at = new Date(createdAt).toISOString();
  return { name, title, user_id: account.userId, user_nickname: account.nickname, created_at };
}

function detail(workflow: Workflow, account: Account): object {
  return { ...item(workflow, account), contents: workflow.contents, is_public: workflow.isPublic };
}

const unknown = (): HttpError => new HttpError(404, 'There is no such workflow.');
const taken = (): HttpError => new HttpError(409, 'A workflow with this name already exists.');
